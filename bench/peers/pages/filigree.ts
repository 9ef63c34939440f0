import { measure } from './running.ts';

/** What `npm run build` made, as it lies there: parts load when they are needed. */
const built = '/dist/browser/index.js';

measure(async (file, input, threads) => {
  const { loadModel, Tensor } = (await import(built)) as typeof import('../../../src/index.ts');
  const model = await loadModel(file, { threads });
  const [{ name, shape }] = model.inputs;
  const inputs = { [name]: new Tensor('float32', shape, input) };
  let results: Awaited<ReturnType<typeof model.run>>;
  return {
    run: async () => void (results = await model.run(inputs)),
    outputs: () => model.outputs.map(({ name, shape }) => ({ shape, data: results[name].data as Float32Array })),
  };
});
