// Sizes that a file leaves open, and what else of a file reaches the graph's ports, notes and metadata.
import { describe, expect, it } from 'vitest';
import { compileModel } from '../../../src/compile.ts';
import { FiligreeError } from '../../../src/errors.ts';
import { dataTypes } from '../../../src/export/onnx/protobuf.ts';
import { evaluate } from '../../../src/graph/evaluate.ts';
import { importOnnx, type OnnxOptions } from '../../../src/import/onnx/index.ts';
import { loadModel } from '../../../src/runtime/load.ts';
import { Tensor } from '../../../src/tensor.ts';
import { OnnxBuilder } from './model.ts';

/** y = −x for an input as the file declares it. */
function negated(declared: (number | string)[] | undefined, name = 'images'): Uint8Array {
  const m = new OnnxBuilder(13);
  m.inputs.push({ name, type: 1, shape: declared });
  return m.output(m.node('Neg', [name])).bytesOfModel();
}

function shapes(declared: (number | string)[] | undefined, options?: OnnxOptions) {
  const graph = importOnnx(negated(declared), 'm.onnx', options);
  return { shape: graph.values.get('images')!.shape, notes: graph.notes };
}

function refused(declared: (number | string)[] | undefined, options?: OnnxOptions): string {
  try {
    shapes(declared, options);
  } catch (error) {
    expect((error as FiligreeError).code).toBe('invalid-argument');
    return (error as Error).message;
  }
  throw new Error('imported without an error');
}

describe('open sizes', () => {
  it('the batch is 1', () => {
    expect(shapes(['N', 3, 8, 8])).toEqual({
      shape: [1, 3, 8, 8],
      notes: ['input "images" is declared [N, 3, 8, 8]; it runs as [1,3,8,8]'],
    });
    expect(shapes(['', 3, 8, 8]).shape).toEqual([1, 3, 8, 8]);
    expect(shapes([-1, 3, 8, 8]).shape).toEqual([1, 3, 8, 8]);
  });

  it('are given by name or by input', () => {
    const declared = ['batch', 3, 'height', 'width'];
    expect(shapes(declared, { dimensions: { height: 32, width: 16 } }).shape).toEqual([1, 3, 32, 16]);
    expect(shapes(declared, { dimensions: { batch: 2, height: 32, width: 16 } }).shape).toEqual([2, 3, 32, 16]);
    expect(shapes(declared, { inputShapes: { images: [4, 3, 8, 8] } }).shape).toEqual([4, 3, 8, 8]);
    expect(shapes(undefined, { inputShapes: { images: [4, 3] } }).shape).toEqual([4, 3]);
  });

  it('an error says which option to give', () => {
    expect(refused(['batch', 3, 'height', 'width'])).toBe(
      'm.onnx: the size of inputs is open:\n' +
        '  input "images" [batch, 3, height, width] has the open dimensions "height", "width": ' +
        'give the option dimensions: { "height": 640, "width": 640 } or inputShapes: { "images": [1, 3, 640, 640] }, say',
    );
    expect(refused([1, 3, '', 8])).toContain(
      'input "images" [1, 3, ?, 8] has the open dimension one without a name: give the option inputShapes: { "images": [1, 3, 640, 8] }, say',
    );
    expect(refused(undefined)).toContain('input "images" has no shape: give the option inputShapes');
  });

  it('an error explains an invalid option', () => {
    const declared = ['batch', 3, 'height', 'width'];
    expect(refused(declared, { dimensions: { hight: 3 } })).toBe(
      'm.onnx: option dimensions: no input has a dimension "hight"; open dimensions are "batch", "height", "width"',
    );
    expect(refused(declared, { dimensions: { height: -3 } })).toContain('"height" must be a positive integer, got -3');
    expect(refused(declared, { inputShapes: { image: [1] } })).toContain(
      'no input is named "image"; inputs are "images"',
    );
    expect(refused(declared, { inputShapes: { images: [1, 4, 8, 8] } })).toContain(
      '"images" is [batch, 3, height, width] in the file, [1,4,8,8] does not fit',
    );
  });

  it('reach compileModel', async () => {
    const artifact = compileModel(negated(['batch', 2, 'height']), { dimensions: { height: 3 } });
    const model = await loadModel(artifact);
    expect(model.inputs).toMatchObject([{ name: 'images', shape: [1, 2, 3] }]);
    const x = Float32Array.of(1, 2, 3, 4, 5, 6);
    const { Neg0: y } = await model.run({ images: new Tensor('float32', [1, 2, 3], x) });
    expect(y.data).toEqual(x.map((v) => -v));
    model.dispose();
  });
});

describe('ports and facts', () => {
  it('weights that are listed as inputs are not inputs', () => {
    const m = new OnnxBuilder(13);
    const [x, w] = [m.input([2, 3]), m.floats([3])];
    m.inputs.push({ name: w, type: 1, shape: [3] });
    const graph = importOnnx(m.output(m.node('Add', [x, w])).bytesOfModel(), 'm.onnx');
    expect(graph.inputs.map(({ name }) => name)).toEqual([x]);
  });

  it('integers and half floats keep their dtype', () => {
    const m = new OnnxBuilder(13);
    const x = m.input([2, 3], { dtype: 'uint8' });
    const half = m.node('Cast', [m.node('Cast', [x], { to: dataTypes.float32 })], { to: dataTypes.float16 });
    const graph = importOnnx(m.output(half, dataTypes.float16).bytesOfModel(), 'm.onnx');
    expect(graph.inputs[0].dtype).toBe('uint8');
    expect(graph.outputs[0].dtype).toBe('float16');
  });

  it('a quantised output has its scale and zero point', () => {
    const m = new OnnxBuilder(13);
    const x = m.input([2, 3]);
    const q = m.node('QuantizeLinear', [x, m.floats([], [0.5]), m.bytes('int8', [3], [])]);
    const graph = importOnnx(m.output(q, dataTypes.int8).bytesOfModel(), 'm.onnx');
    expect(graph.outputs[0]).toMatchObject({ dtype: 'int8', quantization: { scale: 0.5, zeroPoint: 3 } });
    const result = evaluate(graph, { [x]: new Tensor('float32', [2, 3], [0, 1, -1, 1000, -1000, 2]) });
    expect([...Object.values(result)[0].data]).toEqual([0, 1, -1, 62, -65.5, 2]);
  });

  it('keeps metadata as it is written', () => {
    const model = {
      producer: 'pytorch',
      producerVersion: '2.1',
      description: 'A detector.',
      metadata: { names: "{0: 'person'}", stride: '32' },
    };
    const m = new OnnxBuilder(13);
    const graph = importOnnx(m.output(m.node('Neg', [m.input([1])])).bytesOfModel({}, model), 'm.onnx');
    expect(graph.metadata).toEqual({
      producer: 'pytorch 2.1',
      description: 'A detector.',
      onnx: { names: "{0: 'person'}", stride: '32' },
    });
  });

  it('an output of another shape than the file declares is noted', () => {
    const m = new OnnxBuilder(13);
    const y = m.node('Neg', [m.input([2, 3])]);
    m.outputs.push({ name: y, type: 1, shape: [2, 4] });
    expect(importOnnx(m.bytesOfModel(), 'm.onnx').notes).toEqual([`output "${y}" is declared [2, 4]; it is [2,3]`]);
  });

  it('sparse weights have their zeros', () => {
    const m = new OnnxBuilder(13);
    const x = m.input([2, 3]);
    const values = { name: 's', type: 1, dims: [2], floats: [5, 7] };
    const indices = { name: '', type: 7, dims: [2, 2], int64s: [0, 1, 1, 2] };
    m.output(m.node('Add', [x, 's']));
    const graph = importOnnx(m.bytesOfModel({ sparseInitializers: [{ values, indices, dims: [2, 3] }] }), 'm.onnx');
    expect(graph.values.get('s')).toMatchObject({ shape: [2, 3], data: Float32Array.of(0, 5, 0, 0, 0, 7) });
  });
});
