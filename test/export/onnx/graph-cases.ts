// Graphs that hold every operator with the attributes that matter to a file.
import type { Graph } from '../../../src/graph/graph.ts';
import { gridPaddings } from '../../../src/ops/grid-sample.ts';
import type { Activation } from '../../../src/program/activations.ts';
import type { GraphBuilder } from '../../graphs.ts';

export const graphCases: Record<string, (b: GraphBuilder) => Graph> = {};
const image = [1, 4, 8, 6];

function add(title: string, make: (b: GraphBuilder) => string | string[]): void {
  graphCases[title] = (b) => b.finish(...[make(b)].flat());
}

const activations: Activation[] = [
  { fn: 'identity' },
  { fn: 'clamp', alpha: 0, beta: Infinity },
  { fn: 'clamp', alpha: -0.5, beta: 6 },
  { fn: 'clamp', alpha: -Infinity, beta: 0.5 },
  { fn: 'leakyRelu', alpha: 0.1 },
  { fn: 'sigmoid' },
  { fn: 'silu' },
  { fn: 'hardSigmoid', alpha: 0.2, beta: 0.4 },
  { fn: 'hardSwish', alpha: 1 / 6, beta: 0.5 },
  { fn: 'tanh' },
  { fn: 'exp' },
  { fn: 'neg' },
  { fn: 'abs' },
  { fn: 'square' },
  { fn: 'gelu' },
  { fn: 'elu', alpha: 1.5 },
  { fn: 'softplus' },
  { fn: 'mish' },
  { fn: 'floor' },
  { fn: 'ceil' },
  { fn: 'round' },
  { fn: 'trunc' },
  { fn: 'sign' },
  { fn: 'sin' },
  { fn: 'cos' },
];
for (const activation of activations) {
  const title = `${activation.fn} ${activation.alpha ?? ''} ${activation.beta ?? ''}`.trim();
  add(`unary ${title}`, (b) => b.node('unary', activation, b.input(image)));
  add(`conv2d with ${title}`, (b) => b.conv2d(b.input(image), 5, 3, { activation }));
}
for (const fn of ['sqrt', 'log', 'rsqrt', 'reciprocal'] as const) {
  add(`unary ${fn}`, (b) => b.node('unary', { fn }, b.node('unary', { fn: 'exp' }, b.input(image))));
}

add('conv2d, uneven', (b) =>
  b.conv2d(b.input(image), 6, 3, { stride: [2, 1], dilation: [1, 2], pads: [0, 1, 2, 3], groups: 2 }),
);
add('conv2d with a residual', (b) => {
  const x = b.input(image);
  const y = b.conv2d(x, 4, 3, { activation: { fn: 'clamp', alpha: 0, beta: 6 } });
  b.graph.nodes[0].inputs.push(x);
  return y;
});
add('conv2d with a residual, without bias', (b) => {
  const x = b.input(image);
  const y = b.conv2d(x, 4, 1);
  const [layer] = b.graph.nodes;
  layer.inputs = [layer.inputs[0], layer.inputs[1], '', x];
  return y;
});
add('conv2d without bias', (b) =>
  b.node(
    'conv2d',
    { stride: [1, 1], dilation: [1, 1], pads: [0, 0, 0, 0], groups: 1 },
    b.input(image),
    b.constant([3, 4, 2, 2]),
  ),
);
add('convTranspose2d', (b) =>
  b.node(
    'convTranspose2d',
    {
      stride: [2, 3],
      dilation: [1, 2],
      pads: [1, 0, 0, 1],
      outputPadding: [1, 0],
      groups: 2,
      activation: { fn: 'silu' },
    },
    b.input(image),
    b.constant([4, 3, 3, 2]),
    b.constant([6]),
  ),
);
for (const shape of [[3, 5], [5], [2, 3, 5], [2, 2, 3, 5]]) {
  add(`linear of [${shape}]`, (b) =>
    b.node('linear', { activation: { fn: 'tanh' } }, b.input(shape), b.constant([4, 5]), b.constant([4])),
  );
  add(`linear of [${shape}] without bias`, (b) => b.node('linear', {}, b.input(shape), b.constant([4, 5])));
}
for (const [transposeA, transposeB] of [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
]) {
  add(`matmul, a transposed: ${transposeA}, b transposed: ${transposeB}`, (b) =>
    b.node(
      'matmul',
      { transposeA, transposeB },
      b.input(transposeA ? [2, 1, 5, 4] : [2, 1, 4, 5]),
      b.input(transposeB ? [3, 6, 5] : [3, 5, 6]),
    ),
  );
}
for (const fn of ['add', 'sub', 'mul', 'min', 'max', 'prelu', 'less', 'lessOrEqual', 'select'] as const) {
  add(`binary ${fn}`, (b) =>
    b.node('binary', { fn, activation: { fn: 'clamp', alpha: 0, beta: 6 } }, b.input(image), b.constant([4, 1, 1])),
  );
}
for (const fn of ['div', 'pow'] as const) {
  add(`binary ${fn}`, (b) => b.node('binary', { fn }, b.node('unary', { fn: 'exp' }, b.input(image)), b.scalar(1.5)));
}
add('prelu that broadcasts both ways', (b) => b.node('binary', { fn: 'prelu' }, b.input([4, 1, 1]), b.input(image)));
add('maxPool', (b) =>
  b.node(
    'maxPool',
    {
      kernel: [3, 2],
      stride: [2, 1],
      dilation: [1, 2],
      pads: [1, 0, 1, 1],
      ceilMode: false,
      activation: { fn: 'neg' },
    },
    b.input(image),
  ),
);
add('maxPool, ceil', (b) =>
  b.node(
    'maxPool',
    { kernel: [3, 3], stride: [2, 2], dilation: [1, 1], pads: [0, 0, 0, 0], ceilMode: true },
    b.input(image),
  ),
);
for (const countIncludePad of [false, true]) {
  add(`averagePool, counts pads: ${countIncludePad}`, (b) =>
    b.node(
      'averagePool',
      { kernel: [3, 3], stride: [2, 2], pads: [1, 1, 0, 1], ceilMode: false, countIncludePad },
      b.input(image),
    ),
  );
  add(`averagePool, ceil, counts pads: ${countIncludePad}`, (b) =>
    b.node(
      'averagePool',
      { kernel: [3, 3], stride: [2, 2], pads: [0, 0, 0, 0], ceilMode: true, countIncludePad },
      b.input(image),
    ),
  );
}
for (const fn of ['mean', 'sum', 'max', 'min'] as const) {
  for (const keepDims of [true, false])
    add(`reduce ${fn}, keeps axes: ${keepDims}`, (b) =>
      b.node('reduce', { fn, axes: [1, 3], keepDims }, b.input(image)),
    );
}
add('reduce of no axes', (b) => b.node('reduce', { fn: 'mean', axes: [], keepDims: true }, b.input(image)));
for (const coordinates of ['halfPixel', 'pytorchHalfPixel', 'alignCorners', 'asymmetric'] as const) {
  add(`resize linear ${coordinates}`, (b) =>
    b.node('resize', { mode: 'linear', size: [11, 5], coordinates, nearest: 'floor' }, b.input(image)),
  );
  for (const nearest of ['roundPreferFloor', 'roundPreferCeil', 'floor', 'ceil'] as const) {
    add(`resize nearest ${coordinates} ${nearest}`, (b) =>
      b.node('resize', { mode: 'nearest', size: [16, 18], coordinates, nearest }, b.input(image)),
    );
  }
}
add('resize tfHalfPixelForNearest', (b) =>
  b.node(
    'resize',
    { mode: 'nearest', size: [16, 18], coordinates: 'tfHalfPixelForNearest', nearest: 'floor' },
    b.input(image),
  ),
);
add('resize by scales', (b) =>
  b.node(
    'resize',
    { mode: 'linear', size: [11, 8], coordinates: 'halfPixel', nearest: 'floor', scales: [1.4, 1.45] },
    b.input(image),
  ),
);
add('concat', (b) => b.node('concat', { axis: 1 }, b.input(image), b.input([1, 2, 8, 6]), b.constant([1, 1, 8, 6])));
add('split', (b) => b.nodes('split', { axis: 1, sizes: [1, 3] }, [b.input(image)], 2));
add('slice', (b) =>
  b.node('slice', { starts: [0, 1, 7, 1], sizes: [1, 2, 8, 2], steps: [1, 2, -1, 3] }, b.input(image)),
);
add('binary equal', (b) =>
  b.node(
    'binary',
    { fn: 'equal' },
    b.node('unary', { fn: 'round' }, b.input(image)),
    b.constant([4, 1, 1], [0, 1, -1, 2]),
  ),
);
for (const largest of [true, false]) {
  add(`topK, largest: ${largest}`, (b) => b.node('topK', { axis: 2, k: 5, largest }, b.input(image)));
}
add('takeAlongAxis', (b) => {
  const x = b.input(image);
  const indices = b.node('topK', { axis: 2, k: 3, largest: true }, x);
  return b.node('takeAlongAxis', { axis: 2 }, x, indices);
});
add('takeAlongAxis that broadcasts', (b) =>
  b.node(
    'takeAlongAxis',
    { axis: 1 },
    b.input([1, 4, 3]),
    b.node('topK', { axis: 1, k: 2, largest: true }, b.input([5, 4, 1])),
  ),
);
add('gather', (b) => {
  const indices = 'indices';
  b.graph.values.set(indices, { name: indices, shape: [2, 2], dtype: 'int32', data: Int32Array.of(3, 0, -1, 1) });
  return b.node('gather', { axis: 1 }, b.input(image), indices);
});
for (const mode of ['constant', 'reflect', 'edge'] as const) {
  add(`pad ${mode}`, (b) =>
    b.node('pad', { before: [0, 1, 2, 0], after: [0, 0, 1, 3], mode, value: -1.5 }, b.input(image)),
  );
}
add('pad crops', (b) =>
  b.node('pad', { before: [0, -1, 2, 0], after: [0, 0, -1, 3], mode: 'constant', value: 0 }, b.input(image)),
);
add('reshape, transpose', (b) =>
  b.node('reshape', { shape: [6, 32] }, b.node('transpose', { permutation: [0, 3, 1, 2] }, b.input(image))),
);
for (const order of ['DCR', 'CRD'] as const)
  add(`depthToSpace ${order}`, (b) => b.node('depthToSpace', { blockSize: 2, order }, b.input([2, 8, 3, 2])));
add('spaceToDepth', (b) => b.node('spaceToDepth', { blockSize: 2 }, b.input(image)));
add('softmax', (b) => b.node('softmax', { axis: 1, beta: 1 }, b.input(image)));
add('softmax, beta', (b) => b.node('softmax', { axis: 3, beta: 0.5 }, b.input(image)));

// Ports

add('an output that is an input', (b) => {
  const x = b.input(image);
  return [x, b.node('unary', { fn: 'neg' }, x)];
});
add('an output twice', (b) => {
  const y = b.node('unary', { fn: 'neg' }, b.input(image));
  return [y, y, b.node('unary', { fn: 'abs' }, y)];
});
add('constant output', (b) => [b.node('unary', { fn: 'neg' }, b.input(image)), b.constant([2, 2])]);
graphCases['permuted ports'] = (b) => {
  const x = b.input([1, 3, 8, 6], { permutation: [0, 2, 3, 1] });
  const y = b.conv2d(x, 5, 3);
  const graph = b.finish(y, b.node('unary', { fn: 'neg' }, y));
  graph.outputs[1].permutation = [0, 2, 3, 1];
  return graph;
};
graphCases['names that clash'] = (b) => {
  const y = b.node('unary', { fn: 'neg' }, b.input(image));
  const z = b.node('unary', { fn: 'abs' }, y);
  const graph = b.finish(z, y);
  // Each output has the name of another value of the graph.
  graph.outputs[0].name = y;
  graph.outputs[1].name = z;
  return graph;
};

for (const mode of ['nearest', 'linear'] as const) {
  for (const padding of gridPaddings) {
    for (const alignCorners of [false, true]) {
      add(`gridSample ${mode} ${padding} ${alignCorners}`, (b) =>
        b.node('gridSample', { mode, padding, alignCorners }, b.input(image), b.constant([1, 5, 7, 2])),
      );
    }
  }
}
