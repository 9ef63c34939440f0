// SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: blocks of pixels become images of their own, and back. TensorFlow writes
// dilated convolutions as a plain convolution between the two; such a convolution is made one step again.
import type { ImportedOperator } from '../../imported-operator.ts';
import type { Node } from '../../../graph/graph.ts';
import type { OperatorName } from '../../../ops/index.ts';
import { isOp } from '../../../ops/nodes.ts';
import type { Pair } from '../../../ops/window.ts';
import { elementCount } from '../../../tensor.ts';
import type { Handler, Operation } from '../operation.ts';
import { graphAxis, graphShape } from '../translation.ts';

/** Blocks of an operator: sizes, and amounts that are padded or cropped, along the file's axes 1, 2, … */
interface Blocks {
  sizes: number[];
  before: number[];
  after: number[];
}

function readBlocks(operation: Operation, amountsName: string): Blocks {
  const rank = operation.rank(0);
  const sizes = operation.integers(1, 'the block shape');
  const amounts = operation.integers(2, amountsName);
  const fits = sizes.length >= 1 && sizes.length < rank && amounts.length === 2 * sizes.length;
  if (!fits || sizes.some((b) => b < 1) || amounts.some((n) => n < 0)) {
    operation.fail(`block shape [${sizes}] and ${amountsName} [${amounts}] for shape [${operation.shape(0)}]`);
  }
  return {
    sizes,
    before: sizes.map((_, i) => amounts[2 * i]),
    after: sizes.map((_, i) => amounts[2 * i + 1]),
  };
}

/** One number for each axis of the graph; `rest` for axes that have no block. */
function perAxis({ sizes }: Blocks, numbers: readonly number[], rank: number, rest: number): number[] {
  return graphShape(
    Array.from({ length: rank }, (_, axis) => (axis >= 1 && axis <= sizes.length ? numbers[axis - 1] : rest)),
  );
}

/** (N, …) → (N · blocks, …): image b·N + n has the pixels of image n at place b of each block. */
const spaceToBatch: Handler = (operation) => {
  const blocks = readBlocks(operation, 'paddings');
  const rank = operation.rank(0);
  const [before, after] = [blocks.before, blocks.after].map((amounts) => perAxis(blocks, amounts, rank, 0));
  const whole = operation.value(0);
  const isPadded = [...before, ...after].some((n) => n > 0);
  const x = isPadded ? operation.emit('pad', { before, after, mode: 'constant', value: 0 }, [whole]) : whole;
  const shape = operation.shapeOf(x);
  const block = perAxis(blocks, blocks.sizes, rank, 1);
  if (shape.some((d, axis) => d % block[axis] !== 0)) {
    operation.fail(`block shape [${blocks.sizes}] does not divide the padded [${shape}]`);
  }
  const cut = shape.flatMap((d, axis) => [d / block[axis], block[axis]]);
  const inBlock = blocks.sizes.map((_, i) => 2 * graphAxis(i + 1, rank) + 1);
  const outside = cut.map((_, axis) => axis).filter((axis) => !inBlock.includes(axis));
  const made = shape.map((d, axis) => (axis === 0 ? d * elementCount(blocks.sizes) : d / block[axis]));
  const parts = operation.emit('reshape', { shape: cut }, [x]);
  const moved = operation.emit('transpose', { permutation: [...inBlock, ...outside] }, [parts]);
  const y = operation.emit('reshape', { shape: made }, [moved]);
  operation.result(y);
  operation.translation.blocksOf.set(operation.translation.computed(operation.output())!, { x: whole, ...blocks });
};

/** (N · blocks, …) → (N, …), cropped. */
const batchToSpace: Handler = (operation) => {
  const blocks = readBlocks(operation, 'crops');
  const rank = operation.rank(0);
  const shape = graphShape(operation.shape(0));
  const count = elementCount(blocks.sizes);
  if (shape[0] % count !== 0) operation.fail(`${shape[0]} images do not divide by the blocks' [${blocks.sizes}]`);
  const dilated = asDilated(operation, operation.value(0), blocks);
  if (dilated !== undefined) return operation.result(dilated);
  const block = perAxis(blocks, blocks.sizes, rank, 1);
  const outer = [shape[0] / count, ...shape.slice(1)];
  const parts = operation.emit('reshape', { shape: [...blocks.sizes, ...outer] }, [operation.value(0)]);
  const places = blocks.sizes.map((_, i) => graphAxis(i + 1, rank));
  const permutation = outer.flatMap((_, axis) => {
    const i = places.indexOf(axis);
    return i === -1 ? [blocks.sizes.length + axis] : [blocks.sizes.length + axis, i];
  });
  const moved = operation.emit('transpose', { permutation }, [parts]);
  const whole = outer.map((d, axis) => d * block[axis]);
  const y = operation.emit('reshape', { shape: whole }, [moved]);
  operation.result(
    cropped(operation, y, perAxis(blocks, blocks.before, rank, 0), perAxis(blocks, blocks.after, rank, 0)),
  );
};

function cropped(operation: Operation, y: string, before: readonly number[], after: readonly number[]): string {
  if ([...before, ...after].every((n) => n === 0)) return y;
  const shape = operation.shapeOf(y);
  const sizes = shape.map((d, axis) => d - before[axis] - after[axis]);
  if (sizes.some((d) => d < 1)) operation.fail(`crops leave nothing of shape [${shape}]`);
  return operation.emit('slice', { starts: before, sizes, steps: shape.map(() => 1) }, [y]);
}

/**
 * The convolution between the two operators as a dilated one, with what follows it pixel by pixel; undefined when something
 * else is between them. Blocks of d pixels turn steps of 1 into steps of d, in weights and in padding.
 */
function asDilated(operation: Operation, value: string, { sizes, before, after }: Blocks): string | undefined {
  const { graph, blocksOf } = operation.translation;
  if (sizes.length !== 2 || operation.rank(0) !== 4) return undefined;
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const following: Node[] = [];
  let node = makers.get(value);
  for (; node && keepsPixels(operation, node); node = makers.get(node.inputs[0])) following.unshift(node);
  if (!isOp(node, 'conv2d')) return undefined;
  const [input, ...constants] = node.inputs;
  const from = blocksOf.get(input);
  const { stride, dilation, pads } = node.attributes;
  if (!from || from.sizes.join() !== sizes.join() || stride.some((s) => s !== 1)) return undefined;
  const around = [...from.before, ...from.after].map(
    (n, side) => n + pads[side] * sizes[side % 2] - [...before, ...after][side],
  );
  // A crop that is more than the padding takes from the input what only outputs read that are cropped.
  const x = around.every((n) => n === 0)
    ? from.x
    : operation.emit(
        'pad',
        { before: [0, 0, around[0], around[1]], after: [0, 0, around[2], around[3]], mode: 'constant', value: 0 },
        [from.x],
      );
  const attributes = {
    ...node.attributes,
    dilation: dilation.map((d, i) => d * sizes[i]) as unknown as Pair,
    pads: [0, 0, 0, 0],
  };
  const y = operation.emit('conv2d', attributes, [x, ...constants]);
  return following.reduce(
    (made, { op, attributes: own, inputs }) => operation.emit(op as OperatorName, own, [made, ...inputs.slice(1)]),
    y,
  );
}

/** Whether a node computes each pixel of its first input from that pixel alone, and from constants of the channel. */
function keepsPixels({ translation }: Operation, { op, inputs }: Node): boolean {
  if (op === 'unary') return true;
  if (op !== 'binary') return false;
  const constant = translation.graph.values.get(inputs[1])!;
  const isOfChannels = constant.shape.every((d, i) => d === 1 || i === constant.shape.length - 3);
  return constant.data !== undefined && isOfChannels;
}

export const batchSpace: Record<string, ImportedOperator<Operation>> = {
  SPACE_TO_BATCH_ND: {
    becomes: ['transpose', 'pad', 'reshape'],
    limits: 'Block shape and paddings are constants.',
    translate: spaceToBatch,
  },
  BATCH_TO_SPACE_ND: {
    becomes: ['conv2d', 'transpose', 'slice', 'pad', 'reshape', 'unary', 'binary'],
    limits: 'Block shape and crops are constants. A convolution between the two becomes a dilated one.',
    translate: batchToSpace,
  },
};
