// Positions of the largest, elements by computed positions, comparisons, integers that are computed.
import { dataTypes } from '../../../../src/export/onnx/protobuf.ts';
import type { OnnxBuilder } from '../model.ts';
import { Cases, image } from './cases.ts';

export const selectionCases = new Cases();
const add = selectionCases.add;

const floats = (m: OnnxBuilder, value: string) => m.node('Cast', [value], { to: dataTypes.float32 });

/** Positions from 0 to n − 1 in the order of numbers of that shape, along the last axis. */
const order = (m: OnnxBuilder, shape: readonly number[]) =>
  m.nodesOf('TopK', [m.input(shape), m.int64s([shape.at(-1)!])], {}, 2)[1];

add('TopK, k an attribute', 9, (m) => m.nodesOf('TopK', [m.input([3, 7])], { k: 4 }, 2)[0]);
for (const opset of [11, 22]) {
  for (const [axis, largest] of [
    [-1, 1],
    [1, 0],
    [2, 1],
  ]) {
    add(`TopK along ${axis}, largest ${largest}`, opset, (m) => {
      const attributes = { axis, largest, sorted: 1 };
      const [values, indices] = m.nodesOf('TopK', [m.input(image), m.int64s([3])], attributes, 2);
      return [values, floats(m, indices)];
    });
  }
}
add('TopK of few numbers, many of them equal', 13, (m) => {
  const few = m.node('Round', [m.node('Mul', [m.input([2, 200]), m.floats([], [2])])]);
  const [values, indices] = m.nodesOf('TopK', [few, m.int64s([50])], {}, 2);
  return [values, floats(m, indices)];
});
add('TopK, values alone and a reshape of the indices', 13, (m) => {
  const [values] = m.nodesOf('TopK', [m.input([2, 9]), m.int64s([4])], {}, 2);
  const indices = m.nodesOf('TopK', [values, m.int64s([2])], { largest: 0 }, 2)[1];
  return [values, floats(m, m.node('Unsqueeze', [m.node('Transpose', [indices], { perm: [1, 0] }), m.int64s([1])]))];
});
for (const op of ['ArgMax', 'ArgMin']) {
  add(op, [11, 13], (m) => floats(m, m.node(op, [m.input(image)])));
  add(`${op} along 1, without the axis`, 13, (m) => floats(m, m.node(op, [m.input(image)], { axis: 1, keepdims: 0 })));
}
add('GatherElements', [11, 13], (m) => m.node('GatherElements', [m.input([4, 6]), order(m, [3, 6])], { axis: 1 }));
add('GatherElements of some rows', 13, (m) =>
  m.node('GatherElements', [m.input([2, 4, 6]), m.int64s([0, -1, 2, 3, -4, 1], [1, 3, 2])], { axis: 1 }),
);
add('Gather by computed indices', 13, (m) => m.node('Gather', [m.input(image), order(m, [2, 4])], { axis: 1 }));
add('Gather by one computed index', 13, (m) =>
  m.node('Gather', [m.input([5, 6]), m.node('ArgMax', [m.input([5])], { keepdims: 0 })]),
);
add('ScatterND of columns and rows', [11, 16, 18], (m) => {
  const x = m.input([3, 4, 5]);
  const columns = m.int64s([0, 1, -1, 0, 2, 3], [3, 2]);
  return m.node('ScatterND', [
    m.node('ScatterND', [x, columns, m.input([3, 5])]),
    m.int64s([1], [1, 1]),
    m.floats([1, 4, 5]),
  ]);
});
add('ScatterND of elements into constants', 13, (m) =>
  m.node('ScatterND', [m.floats([4, 3]), m.int64s([3, 0, 1, 2], [1, 2, 2]), m.input([1, 2])]),
);
add('ScatterND of constants', 13, (m) => {
  const shape = m.node('ScatterND', [m.int64s([1, 1, 2 ** 30, 2]), m.int64s([0, 2], [2, 1]), m.int64s([3, 8])]);
  return m.node('Reshape', [m.input([6, 8]), shape]);
});
for (const axis of [0, 1, -1]) {
  add(`ScatterElements along ${axis}`, [11, 13, 18], (m) => {
    const places = [2, 0, 1, 1, 2, -3].map((place) => (axis === 0 ? place : place + 3) % 4);
    return m.node(
      'ScatterElements',
      [
        m.input([3, 4, 5]),
        m.int64s(axis === 0 ? [0, 2, 1, 2, -3, 0] : places, axis === 0 ? [2, 1, 3] : [1, 2, 3]),
        m.input(axis === 0 ? [2, 1, 3] : [1, 2, 3]),
      ],
      { axis },
    );
  });
}
add('GatherND', [11, 13], (m) => {
  const pairs = m.node('Reshape', [order(m, [3, 4]), m.int64s([3, 2, 2])]);
  return m.node('GatherND', [m.input([4, 4, 3]), pairs]);
});
add('GatherND in batches', 13, (m) => {
  const pairs = m.node('Reshape', [order(m, [2, 6]), m.int64s([2, 3, 2])]);
  return m.node('GatherND', [m.input([2, 6, 7, 3]), pairs], { batch_dims: 1 });
});
add('GatherND from the end', 13, (m) => {
  const pairs = m.node('Sub', [m.node('Reshape', [order(m, [2, 4]), m.int64s([4, 2])]), m.int64s([4])]);
  return m.node('GatherND', [m.input([4, 5]), pairs]);
});
add('the tail of YOLO26', 16, (m) => {
  const [boxes, scores] = [m.input([1, 40, 4]), m.input([1, 40, 8])];
  const best = m.node('ReduceMax', [scores], { axes: [-1], keepdims: 0 });
  const anchors = m.nodesOf('TopK', [best, m.int64s([10])], { axis: 1 }, 2)[1];
  const column = m.node('Unsqueeze', [anchors, m.int64s([2])]);
  const kept = m.node('GatherElements', [scores, m.node('Expand', [column, m.int64s([1, 10, 8])])], { axis: 1 });
  const [values, places] = m.nodesOf('TopK', [m.node('Flatten', [kept]), m.int64s([10])], { axis: 1 }, 2);
  const [classes, rows] = [m.node('Mod', [places, m.int64s([8], [])]), m.node('Div', [places, m.int64s([8], [])])];
  const chosen = m.node('Unsqueeze', [m.node('GatherElements', [anchors, rows], { axis: 1 }), m.int64s([2])]);
  const taken = m.node('GatherElements', [boxes, m.node('Expand', [chosen, m.int64s([1, 10, 4])])], { axis: 1 });
  const last = [values, floats(m, classes)].map((value) => m.node('Unsqueeze', [value, m.int64s([2])]));
  return m.node('Concat', [taken, ...last], { axis: 2 });
});

for (const op of ['Less', 'Greater', 'Equal', 'LessOrEqual', 'GreaterOrEqual']) {
  add(op, 16, (m) => {
    const [a, b] = [m.input([4, 9]), m.input([9])].map((x) => m.node('Round', [m.node('Mul', [x, m.floats([], [2])])]));
    return floats(m, m.node(op, [a, b]));
  });
}
for (const op of ['And', 'Or', 'Xor']) {
  add(op, 13, (m) => {
    const [a, b] = [m.input([4, 9]), m.input([9])].map((x) => m.node('Less', [x, m.floats([], [0])]));
    return floats(m, m.node('Not', [m.node(op, [a, b])]));
  });
}
add('Where', [9, 16], (m) =>
  m.node('Where', [m.node('Less', [m.input([4, 1]), m.floats([], [0])]), m.input([9]), m.input([4, 9])]),
);
add('Where chooses infinities', 16, (m) => {
  const x = m.input([9]);
  const isLess = m.node('Less', [x, m.floats([], [0])]);
  const large = m.node('Where', [isLess, m.floats([], [-Infinity]), m.floats([], [Infinity])]);
  return m.node('Reciprocal', [m.node('Add', [large, x])]);
});
for (const [op, least] of [
  ['Add', 13],
  ['Sub', 13],
  ['Mul', 13],
  ['Div', 14],
  ['Mod', 13],
  ['Min', 13],
  ['Max', 13],
] as const) {
  add(`${op} of integers`, least, (m) => {
    const numbers = m.node('Sub', [order(m, [3, 30]), m.int64s([15])]);
    return floats(m, m.node(op, [numbers, m.int64s([7, -7, 3], [3, 1])]));
  });
}
add('Mod of integers towards 0', 13, (m) => {
  const numbers = m.node('Sub', [order(m, [3, 30]), m.int64s([15])]);
  return floats(m, m.node('Mod', [numbers, m.int64s([7, -7, 3], [3, 1])], { fmod: 1 }));
});
for (const op of ['Neg', 'Abs', 'Sign']) {
  add(`${op} of integers`, 13, (m) => floats(m, m.node(op, [m.node('Sub', [order(m, [2, 8]), m.int64s([4])])])));
}
for (const op of ['Floor', 'Ceil', 'Round', 'Sign', 'Sin', 'Cos']) {
  add(op, 13, (m) => m.node(op, [m.node('Mul', [m.input(image), m.floats([], [4])])]));
}
add('Cast to integers and booleans', 13, (m) => {
  const x = m.node('Mul', [m.input([40]), m.floats([], [3])]);
  const whole = m.node('Cast', [x], { to: dataTypes.int32 });
  return [
    floats(m, m.node('Cast', [whole], { to: dataTypes.int64 })),
    floats(m, m.node('Cast', [whole], { to: dataTypes.bool })),
  ];
});
add('reductions of integers', 13, (m) => {
  const numbers = order(m, [3, 9]);
  const largest = m.node('ReduceMax', [numbers], { axes: [0], keepdims: 0 });
  return [floats(m, m.node('ReduceSum', [numbers, m.int64s([0])])), floats(m, largest)];
});
add('LayerNormalization', [17, 22], (m) =>
  m.node('LayerNormalization', [m.input([2, 3, 8]), m.floats([8]), m.floats([8])]),
);
add('LayerNormalization of two axes, without bias', 17, (m) =>
  m.node('LayerNormalization', [m.input([2, 3, 8]), m.floats([3, 8])], { axis: 1, epsilon: { float: 0.01 } }),
);
