// Resizing, and what moves elements about.
import { Cases, image } from './cases.ts';

export const arrangementCases = new Cases();
const add = arrangementCases.add;

// Resizing

const upscale = [1, 1, 2, 2];
add('Upsample 7', 7, (m) =>
  m.node('Upsample', [m.input([1, 2, 3, 4])], { mode: 'nearest', scales: { floats: upscale } }),
);
add('Upsample 9', 9, (m) =>
  m.node('Upsample', [m.input([1, 2, 3, 4]), m.floats([4], [1, 1, 2, 3])], { mode: 'nearest' }),
);
add('Upsample 9 linear', 9, (m) =>
  m.node('Upsample', [m.input([1, 2, 3, 4]), m.floats([4], upscale)], { mode: 'linear' }),
);
add('Resize 10', 10, (m) =>
  m.node('Resize', [m.input([1, 2, 3, 4]), m.floats([4], [1, 1, 1.5, 2])], { mode: 'nearest' }),
);
add('Resize 10 shrinks', 10, (m) =>
  m.node('Resize', [m.input([1, 2, 6, 8]), m.floats([4], [1, 1, 0.5, 0.6])], { mode: 'nearest' }),
);
add('Resize 10 linear', 10, (m) =>
  m.node('Resize', [m.input([1, 2, 3, 4]), m.floats([4], [1, 1, 1.5, 2])], { mode: 'linear' }),
);
for (const coordinates of ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric']) {
  for (const scales of [
    [1, 1, 2, 2],
    [1, 1, 1.5, 2.5],
    [1, 1, 0.6, 0.5],
  ]) {
    add(`Resize linear ${coordinates} ${scales}`, [11, 13, 19], (m) =>
      m.node('Resize', [m.input([1, 2, 6, 7]), m.opset < 13 ? m.floats([0], []) : '', m.floats([4], scales)], {
        mode: 'linear',
        coordinate_transformation_mode: coordinates,
      }),
    );
  }
  add(`Resize linear ${coordinates} to sizes`, 13, (m) =>
    m.node('Resize', [m.input([1, 2, 6, 7]), '', '', m.int64s([1, 2, 13, 5])], {
      mode: 'linear',
      coordinate_transformation_mode: coordinates,
    }),
  );
  for (const nearest of ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']) {
    for (const scales of [
      [1, 1, 2, 2],
      [1, 1, 1.7, 2.3],
      [1, 1, 0.7, 0.5],
    ]) {
      add(`Resize nearest ${coordinates} ${nearest} ${scales}`, 13, (m) =>
        m.node('Resize', [m.input([1, 2, 6, 7]), '', m.floats([4], scales)], {
          mode: 'nearest',
          coordinate_transformation_mode: coordinates,
          nearest_mode: nearest,
        }),
      );
    }
  }
}
add('Resize tf_half_pixel_for_nn', 11, (m) =>
  m.node('Resize', [m.input([1, 2, 6, 7]), m.floats([0], []), m.floats([4], [1, 1, 1.7, 2])], {
    coordinate_transformation_mode: 'tf_half_pixel_for_nn',
    nearest_mode: 'floor',
  }),
);
add('Resize with empty roi and scales', 11, (m) =>
  m.node('Resize', [m.input([1, 2, 6, 7]), m.floats([0], []), m.floats([0], []), m.int64s([1, 2, 12, 14])], {
    mode: 'nearest',
  }),
);
add('Resize with axes', 18, (m) =>
  m.node('Resize', [m.input([1, 2, 6, 7]), '', m.floats([2], [2, 3])], {
    mode: 'nearest',
    axes: [2, 3],
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  }),
);
add('Resize 1-D', 13, (m) => m.node('Resize', [m.input([1, 2, 6]), '', m.floats([3], [1, 1, 2])], { mode: 'linear' }));

for (const mode of ['nearest', 'linear']) {
  add(`Resize ${mode} by 0.7 of 10 pixels`, 13, (m) =>
    m.node('Resize', [m.input([1, 2, 10, 10]), '', m.floats([4], [1, 1, 0.7, 1.1])], { mode }),
  );
}

for (const mode of ['nearest', 'linear']) {
  add(`Resize ${mode} tf_half_pixel_for_nn of one axis`, 12, (m) =>
    m.node('Resize', [m.input([1, 2, 6, 7]), m.floats([0], []), m.floats([0], []), m.int64s([1, 2, 6, 14])], {
      mode,
      coordinate_transformation_mode: 'tf_half_pixel_for_nn',
      nearest_mode: 'round_prefer_ceil',
    }),
  );
}

// Arrangement

add('Concat', [7, 13], (m) =>
  m.node('Concat', [m.input(image), m.input([1, 2, 9, 7]), m.floats([1, 1, 9, 7])], { axis: 1 }),
);
add('Concat negative axis', 11, (m) => m.node('Concat', [m.input(image), m.input(image)], { axis: -1 }));
add('Concat of one', 11, (m) => m.node('Concat', [m.input(image)], { axis: 1 }));
add('Split attribute', [7, 11], (m) => m.nodesOf('Split', [m.input([1, 6, 3])], { axis: 1, split: [1, 2, 3] }, 3));
add('Split attribute, equal', 7, (m) => m.nodesOf('Split', [m.input([1, 6, 3])], { axis: 1 }, 2));
add('Split input', [13, 18], (m) => m.nodesOf('Split', [m.input([1, 6, 3]), m.int64s([2, 4])], { axis: 1 }, 2));
add('Split input, equal', 13, (m) => m.nodesOf('Split', [m.input([1, 6, 3])], { axis: -2 }, 3));
add('Split num_outputs', 18, (m) => m.nodesOf('Split', [m.input([1, 7, 3])], { axis: 1, num_outputs: 3 }, 3));
add('Slice attributes', 9, (m) => m.node('Slice', [m.input(image)], { starts: [1, -3], ends: [4, 100], axes: [1, 3] }));
add('Slice attributes, no axes', 7, (m) => m.node('Slice', [m.input(image)], { starts: [0, 1], ends: [1, 3] }));
add('Slice inputs', [10, 13], (m) =>
  m.node('Slice', [m.input(image), m.int64s([1, -3]), m.int64s([4, 2 ** 53]), m.int64s([1, -1])]),
);
add('Slice steps', 13, (m) =>
  m.node('Slice', [m.input(image), m.int64s([0, 1]), m.int64s([9, 7]), m.int64s([2, 3]), m.int64s([2, 3])]),
);
add('Slice backwards', 13, (m) =>
  m.node('Slice', [
    m.input(image),
    m.int64s([-1, 100]),
    m.int64s([-(2 ** 53), 1]),
    m.int64s([2, 3]),
    m.int64s([-1, -2]),
  ]),
);
add('Slice int32 bounds', 13, (m) =>
  m.node('Slice', [
    m.input([4, 9]),
    m.tensor({ name: 's', type: 6, dims: [1], int32s: [1] }),
    m.tensor({ name: 'e', type: 6, dims: [1], int32s: [-1] }),
  ]),
);
add('focus stem', 11, (m) => {
  const x = m.input([1, 3, 8, 10]);
  const every = (start: number, axis: number, value: string) =>
    m.node('Slice', [value, m.int64s([start]), m.int64s([2 ** 53]), m.int64s([axis]), m.int64s([2])]);
  return m.node(
    'Concat',
    [0, 1].flatMap((w) => [0, 1].map((h) => every(w, 3, every(h, 2, x)))),
    { axis: 1 },
  );
});
add('Gather', [7, 13], (m) => m.node('Gather', [m.input(image), m.int64s([3, 0, 0])], { axis: 1 }), {
  ops: ['gather'],
});
add('Gather negative', 11, (m) => m.node('Gather', [m.input(image), m.int64s([-1, 2])], { axis: -1 }));
add('Gather one', 11, (m) => m.node('Gather', [m.input(image), m.int64s([2], [])], { axis: 1 }), {
  ops: ['slice', 'reshape'],
});
add('Gather a matrix of indices', 11, (m) =>
  m.node('Gather', [m.input(image), m.int64s([0, 3, 3, 1], [2, 2])], { axis: 1 }),
);
const padding = [0, 0, 1, 2, 0, 1, 0, 3];
for (const mode of ['constant', 'reflect', 'edge']) {
  add(`Pad ${mode} attributes`, 9, (m) =>
    m.node('Pad', [m.input(image)], { mode, pads: padding, value: { float: 1.5 } }),
  );
  add(`Pad ${mode} inputs`, [11, 13, 19], (m) =>
    m.node('Pad', [m.input(image), m.int64s(padding), m.floats([], [-2])], { mode }),
  );
}
add('Pad crops', 13, (m) => m.node('Pad', [m.input(image), m.int64s([0, -1, 0, 1, 0, 0, -2, 1])]));
add('Pad axes', 18, (m) => m.node('Pad', [m.input(image), m.int64s([1, 2, 3, 4]), '', m.int64s([2, -1])]));
add('Pad nothing', 13, (m) => m.node('Pad', [m.input(image), m.int64s([0, 0, 0, 0, 0, 0, 0, 0])]));
add('Reshape 0 and −1', [7, 14], (m) => m.node('Reshape', [m.input(image), m.int64s([0, 2, -1])]));
add('Reshape allowzero', 14, (m) => m.node('Reshape', [m.input(image), m.int64s([36, 7])], { allowzero: 1 }));
for (const axis of [0, 1, 2, 4, -1])
  add(`Flatten ${axis}`, axis < 0 ? 11 : 9, (m) => m.node('Flatten', [m.input(image)], { axis }));
add('Flatten default', 13, (m) => m.node('Flatten', [m.input(image)]));
add('Squeeze attribute', [7, 11], (m) => m.node('Squeeze', [m.input([1, 3, 1, 4])], { axes: [2] }));
add('Squeeze all', [11, 13], (m) => m.node('Squeeze', [m.input([1, 3, 1, 4])]));
add('Squeeze input', 13, (m) => m.node('Squeeze', [m.input([1, 3, 1, 4]), m.int64s([-2, 0])]));
add('Unsqueeze attribute', [7, 11], (m) => m.node('Unsqueeze', [m.input([3, 4])], { axes: [0, 3] }));
add('Unsqueeze input', 13, (m) => m.node('Unsqueeze', [m.input([3, 4]), m.int64s([-1, 0])]));
add('Transpose', 13, (m) => m.node('Transpose', [m.input(image)], { perm: [0, 2, 3, 1] }));
add('Transpose default', 7, (m) => m.node('Transpose', [m.input([2, 3, 4])]));
add('Expand', [8, 13], (m) => m.node('Expand', [m.input([1, 4, 1, 1]), m.int64s([1, 1, 3, 5])]));
add('Expand adds axes', 13, (m) => m.node('Expand', [m.input([4, 1]), m.int64s([2, 1, 3])]));
add('Expand to itself', 13, (m) => m.node('Expand', [m.input(image), m.int64s([1])]));
add('Tile', [7, 13], (m) => m.node('Tile', [m.input([1, 2, 1, 3]), m.int64s([1, 2, 3, 1])]));
add('DepthToSpace DCR', [7, 11, 13], (m) => m.node('DepthToSpace', [m.input([2, 12, 3, 4])], { blocksize: 2 }));
add('DepthToSpace CRD', [11, 13], (m) =>
  m.node('DepthToSpace', [m.input([2, 12, 3, 4])], { blocksize: 2, mode: 'CRD' }),
);
add('SpaceToDepth', [7, 13], (m) => m.node('SpaceToDepth', [m.input([2, 3, 4, 6])], { blocksize: 2 }));

// Grids

for (const padding_mode of ['zeros', 'border', 'reflection']) {
  for (const align_corners of [0, 1]) {
    for (const [opset, modes] of [
      [16, ['bilinear', 'nearest']],
      [20, ['linear', 'nearest']],
    ] as const) {
      for (const mode of modes) {
        add(`GridSample ${mode} ${padding_mode} ${align_corners}`, opset, (m) =>
          m.node('GridSample', [m.input([2, 3, 6, 5]), m.input([2, 4, 7, 2])], { mode, padding_mode, align_corners }),
        );
      }
    }
  }
}
add('GridSample default', [16, 20], (m) => m.node('GridSample', [m.input(image), m.input([1, 5, 3, 2])]));
add('GridSample of a constant grid, at its corners', 16, (m) =>
  m.node('GridSample', [m.input(image), m.floats([1, 1, 4, 2], [-1, -1, 1, 1, -1, 1, 0, 0])], { align_corners: 1 }),
);
add('GridSample of a computed grid', 16, (m) => {
  const corners = m.node('Transpose', [m.node('Tanh', [m.input([1, 2, 5, 4])])], { perm: [0, 2, 3, 1] });
  return m.node('GridSample', [m.node('Relu', [m.input(image)]), corners], { padding_mode: 'border' });
});
