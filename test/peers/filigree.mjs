// Filigree itself, driven as its peers are, from what `npm run build` made. The model is an artifact.
import { createRequire } from 'node:module';
import { Tensor, loadModel } from '../../dist/index.js';

const { modelPath, readInput, threads, writeResult, time } = createRequire(import.meta.url)('./exchange.cjs');

const model = await loadModel(modelPath, { threads });
const inputs = Object.fromEntries(
  model.inputs.map(({ name, shape, dtype }, k) => {
    const length = shape.reduce((a, b) => a * b, 1);
    const ArrayType = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array }[dtype];
    return [name, new Tensor(dtype, shape, ArrayType.from(readInput(k, length)))];
  }),
);
const first = await model.run(inputs);
const outputs = model.outputs.map(({ name, shape }) => ({ name, shape, data: first[name].data }));
writeResult(outputs, await time(() => model.run(inputs).then(() => undefined)));
model.dispose();
