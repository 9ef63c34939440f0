import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';
import { measure } from './running.ts';

measure(async (file, input, threads) => {
  // it finds out which build the browser can run
  await loadLiteRt('/litert/', { threads: threads > 1 });
  const bytes = new Uint8Array(await (await fetch(file)).arrayBuffer());
  const model = await loadAndCompile(bytes, { accelerator: 'wasm' });
  const inputs = [new Tensor(input, model.getInputDetails()[0].shape)];
  const details = model.getOutputDetails();
  let results = await model.run(inputs);
  return {
    async run() {
      for (const tensor of results) tensor.delete();
      results = await model.run(inputs);
    },
    outputs: () =>
      results.map((tensor, k) => ({ shape: details[k].shape, data: tensor.toTypedArray().slice() as Float32Array })),
  };
});
