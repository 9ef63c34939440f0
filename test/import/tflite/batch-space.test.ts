// What TensorFlow writes for dilated convolutions: that they agree with LiteRT.js is in operators.test.ts.
import { describe, expect, it } from 'vitest';
import { importTflite } from '../../../src/import/tflite/index.ts';
import { optimise } from '../../../src/passes/index.ts';
import { randomFloats } from '../../kernels/wasm.ts';
import { ModelBuilder } from './model.ts';

const random = randomFloats(3);

/** A 3×3 convolution of 16×12 pixels between blocks of 2×4. */
function between(stride: number, crops: number[], options = { padding: 1, strideWidth: stride, strideHeight: stride }) {
  const model = new ModelBuilder();
  const x = model.input('x', [1, 16, 12, 3]);
  const pairs = (numbers: number[]) => model.integers([2, 2], numbers);
  const block = model.integers([2], [2, 4]);
  const [blocks] = model.apply('blocks', 'SPACE_TO_BATCH_ND', [x, block, pairs([2, 2, 4, 4])], [[8, 10, 5, 3]]);
  const size = stride === 1 ? [8, 3] : [4, 2];
  const weights = model.floats([6, 3, 3, 3], random(162));
  const bias = model.floats([6], random(6));
  const [y] = model.apply('conv', 'CONV_2D', [blocks, weights, bias], [[8, ...size, 6]], { Conv2D: options });
  const [top, bottom, left, right] = crops;
  const made = [1, 2 * size[0] - top - bottom, 4 * size[1] - left - right, 6];
  model.output('y', 'BATCH_TO_SPACE_ND', [y, block, pairs(crops)], [made]);
  const graph = importTflite(model.bytes(), 'blocks.tflite');
  optimise(graph);
  return graph.nodes.filter(({ op }) => op !== 'transpose');
}

describe('a convolution between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND', () => {
  it('becomes one dilated convolution, which pads', () => {
    const nodes = between(1, [0, 0, 0, 0]);
    expect(nodes.map(({ op }) => op)).toEqual(['conv2d']);
    expect(nodes[0].attributes).toMatchObject({ dilation: [2, 4], pads: [2, 4, 2, 4], stride: [1, 1] });
  });

  it('pads less where its output is cropped', () => {
    const nodes = between(1, [1, 0, 0, 3]);
    expect(nodes.map(({ op }) => op)).toEqual(['conv2d']);
    expect(nodes[0].attributes).toMatchObject({ dilation: [2, 4], pads: [1, 4, 2, 1] });
  });

  it('crops the input where that is more', () => {
    expect(between(1, [3, 0, 0, 0]).map(({ op }) => op)).toEqual(['pad', 'conv2d']);
  });

  it('stays as it is with strides', () => {
    expect(between(2, [0, 0, 0, 0]).map(({ op }) => op)).toContain('reshape');
  });
});

describe('blocks', () => {
  const blocks = (sizes: number[], paddings: number[], shape = [1, 16, 12, 3]) => {
    const model = new ModelBuilder();
    const x = model.input('x', shape);
    const inputs = [x, model.integers([sizes.length], sizes), model.integers([paddings.length / 2, 2], paddings)];
    model.output('y', 'SPACE_TO_BATCH_ND', inputs, [[]]);
    return () => importTflite(model.bytes(), 'blocks.tflite');
  };

  it('must divide what is padded', () => {
    expect(blocks([5, 2], [0, 0, 0, 0])).toThrow('block shape [5,2] does not divide the padded');
  });

  it('are positive, and one for each pair of paddings', () => {
    expect(blocks([0, 2], [0, 0, 0, 0])).toThrow('block shape [0,2] and paddings [0,0,0,0] for shape [1,16,12,3]');
    expect(blocks([2, 2], [0, 0])).toThrow('block shape [2,2] and paddings [0,0]');
    expect(blocks([2], [-1, 1])).toThrow('paddings [-1,1]');
  });
});
