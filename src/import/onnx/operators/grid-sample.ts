import { gridPaddings, type GridSampleAttributes } from '../../../ops/grid-sample.ts';
import type { ImportedOperator } from '../../imported-operator.ts';
import type { Operation } from '../operation.ts';

/** Names of modes in opset 16, and from opset 20 on. */
const modes: Readonly<Record<string, 'nearest' | 'linear'>> = {
  nearest: 'nearest',
  bilinear: 'linear',
  linear: 'linear',
};

function gridSample(operation: Operation): void {
  if (operation.rank(0) !== 4) operation.unsupported(`an input of rank ${operation.rank(0)}`);
  const mode = operation.string('mode', operation.opset < 20 ? 'bilinear' : 'linear');
  const paddingMode = operation.string('padding_mode', 'zeros');
  const attributes: GridSampleAttributes = {
    mode: modes[mode] ?? operation.unsupported(`mode "${mode}"`),
    padding:
      gridPaddings.find((name) => name === paddingMode) ?? operation.unsupported(`padding_mode "${paddingMode}"`),
    alignCorners: operation.int('align_corners', 0) !== 0,
  };
  operation.result(operation.emit('gridSample', attributes, [operation.value(0), operation.value(1)]));
}

export const sampling: Record<string, ImportedOperator<Operation>> = {
  GridSample: {
    becomes: ['gridSample'],
    limits: 'Images only (rank 4). `mode` is "nearest", "bilinear" or "linear", not "bicubic" or "cubic".',
    translate: gridSample,
  },
};
