// Runs a network with tfjs-backend-wasm, single-threaded, in Node. Usage: see exchange.cjs; the model is what
// bench/tfjs.ts writes: operators and shapes as JSON, weights beside it. Operators are called as a page calls them, and
// tensors are disposed of after their last use.
import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { modelPath, readInput, time, writeResult } = require('./exchange.cjs');
const tf = require('@tensorflow/tfjs-core');
require('@tensorflow/tfjs-backend-wasm');
await tf.setBackend('wasm');

const model = JSON.parse(fs.readFileSync(modelPath, 'utf8'));
const { buffer } = new Uint8Array(fs.readFileSync(modelPath.replace(/json$/, 'bin')));
const elements = (shape) => shape.reduce((product, d) => product * d, 1);
const fusedActivations = ['linear', 'relu', undefined, 'relu6'];
const fused = (code) => {
  if (!fusedActivations[code]) throw new Error(`activation ${code}`);
  return fusedActivations[code];
};
const activated = (x, code) => {
  if (code === 0) return x;
  const y = code === 1 ? tf.relu(x) : tf.relu6(x);
  x.dispose();
  return y;
};
const padding = ({ padding, pads }) => pads ?? (padding === 0 ? 'same' : 'valid');

const convolution = ([x, filter, bias], o) => ({
  x,
  filter,
  bias,
  strides: [o.strideHeight, o.strideWidth],
  dilations: [o.dilationHeight, o.dilationWidth],
  pad: padding(o),
  activation: fused(o.activation),
});

const operators = {
  CONV_2D: (inputs, o) => tf.fused.conv2d(convolution(inputs, o)),
  DEPTHWISE_CONV_2D: (inputs, o) => tf.fused.depthwiseConv2d(convolution(inputs, o)),
  FULLY_CONNECTED: ([a, b, bias], o) => tf.fused.matMul({ a, b, bias, activation: fused(o.activation) }),
  MAX_POOL_2D: ([x], o) => tf.maxPool(x, [o.height, o.width], [o.strideHeight, o.strideWidth], padding(o)),
  AVERAGE_POOL_2D: ([x], o) => tf.avgPool(x, [o.height, o.width], [o.strideHeight, o.strideWidth], padding(o)),
  ADD: ([a, b], o) => activated(tf.add(a, b), o.activation),
  SUB: ([a, b], o) => activated(tf.sub(a, b), o.activation),
  MUL: ([a, b], o) => activated(tf.mul(a, b), o.activation),
  DIV: ([a, b], o) => activated(tf.div(a, b), o.activation),
  RELU: ([x]) => tf.relu(x),
  RELU6: ([x]) => tf.relu6(x),
  LOGISTIC: ([x]) => tf.sigmoid(x),
  TANH: ([x]) => tf.tanh(x),
  SOFTMAX: ([x]) => tf.softmax(x),
  MEAN: ([x], { axes, keepDims }) => tf.mean(x, axes, keepDims),
  RESHAPE: ([x], { shape }) => tf.reshape(x, shape),
  TRANSPOSE: ([x], { permutation }) => tf.transpose(x, permutation),
  PAD: ([x], { amounts }) => tf.pad(x, amounts),
  CONCATENATION: (parts, { axis }) => tf.concat(parts, axis),
  SPLIT: ([x], { sizes, axis }) => tf.split(x, sizes, axis),
  SLICE: ([x], { begin, sizes }) => tf.slice(x, begin, sizes),
  STRIDED_SLICE: ([x], { begin, end, strides }) => tf.stridedSlice(x, begin, end, strides),
  RESIZE_NEAREST_NEIGHBOR: ([x], { size, alignCorners, halfPixel }) =>
    tf.image.resizeNearestNeighbor(x, size, alignCorners, halfPixel),
  RESIZE_BILINEAR: ([x], { size, alignCorners, halfPixel }) =>
    tf.image.resizeBilinear(x, size, alignCorners, halfPixel),
};
const unknown = new Set(model.operators.map(({ op }) => op).filter((op) => !operators[op]));
if (unknown.size > 0) throw new Error(`Error: no operator ${[...unknown].join(', ')}`);

const constants = model.tensors.map(({ shape, offset }) =>
  offset === undefined ? undefined : tf.tensor(new Float32Array(buffer, offset, elements(shape)), shape, 'float32'),
);
const lastUse = new Map();
model.operators.forEach(({ inputs }, i) => inputs.forEach((tensor) => lastUse.set(tensor, i)));
const kept = new Set([...model.inputs, ...model.outputs]);
const inputs = model.inputs.map((tensor, k) => {
  const { shape } = model.tensors[tensor];
  return tf.tensor(readInput(k, elements(shape)), shape, 'float32');
});

function predict() {
  const tensors = [...constants];
  model.inputs.forEach((tensor, k) => (tensors[tensor] = inputs[k]));
  model.operators.forEach(({ op, inputs, outputs, options }, i) => {
    const operands = inputs.map((tensor) => tensors[tensor]);
    const made = tf.tidy(() => operators[op](operands, options));
    outputs.forEach((tensor, k) => (tensors[tensor] = Array.isArray(made) ? made[k] : made));
    for (const tensor of new Set(inputs)) {
      if (lastUse.get(tensor) === i && !constants[tensor] && !kept.has(tensor)) tensors[tensor].dispose();
    }
  });
  return model.outputs.map((tensor) => tensors[tensor]);
}

const results = predict();
const outputs = await Promise.all(
  results.map(async (tensor, k) => ({
    name: model.tensors[model.outputs[k]].name,
    shape: tensor.shape,
    data: await tensor.data(),
  })),
);
results.forEach((tensor) => tensor.dispose());
const timing = await time(async () => {
  const results = predict();
  await Promise.all(results.map((tensor) => tensor.data()));
  return () => results.forEach((tensor) => tensor.dispose());
});
writeResult(outputs, timing);
process.exit();
