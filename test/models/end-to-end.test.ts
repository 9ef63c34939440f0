// Published detectors with attention, and with tails that need no suppression, against other runtimes' results.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compileModel } from '../../src/compile.ts';
import { decodeImage } from '../../src/images/decode.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { elementCount, Tensor } from '../../src/tensor.ts';
import { createDetector } from '../../src/vision/create.ts';
import { dataPath, describeWithData } from '../data.ts';
import { randomFloats, relativeError } from '../kernels/wasm.ts';
import { runOnnxModels } from '../peers/onnxruntime.ts';

const photo = () => readFileSync(dataPath('coco-val-160/images/000000012748.jpg'));

const detectionsOf = async (file: string, scoreThreshold: number) => {
  const detector = await createDetector(compileModel(readFileSync(file), { name: file }), { scoreThreshold });
  return (await detector.detect(await decodeImage(photo()))).detections;
};

const rowsOf = ({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }) =>
  Array.from({ length: shape[1] }, (_, i) => Array.from({ length: shape[2] }, (__, j) => data[i * shape[2] + j]));

describeWithData('detectors without suppression', 'zoo', (zoo) => {
  it.each(['yolo26n_e2e_random.onnx', 'yolo26n_seg_e2e_random.onnx'])(
    '%s gives what onnxruntime gives',
    async (name) => {
      const bytes = readFileSync(`${zoo}/${name}`);
      const model = await loadModel(compileModel(bytes));
      const random = randomFloats(5);
      const inputs = Object.fromEntries(
        model.inputs.map(({ name: input, shape }) => {
          const data = random(elementCount(shape)).map((v) => 0.5 + 0.5 * v);
          return [input, new Tensor('float32', shape, data)];
        }),
      );
      const results = await model.run(inputs);
      const [peer] = await runOnnxModels([{ model: bytes, inputs }]);
      if (peer instanceof Error) throw peer;
      for (const output of peer) {
        const own = results[output.name!];
        expect(own.shape).toEqual(output.shape);
        if (output.shape.length === 4) {
          expect(relativeError(own.data as Float32Array, output.data)).toBeLessThan(1e-4);
          continue;
        }
        const [ours, theirs] = [rowsOf(own as never), rowsOf(output)];
        // scores in order; rows whose scores differ by a rounding may change places
        ours.forEach((row, i) => expect(Math.abs(row[4] - theirs[i][4])).toBeLessThan(1e-5));
        const largest = Math.max(...output.data.map(Math.abs));
        const distance = (a: number[], b: number[]) => Math.max(...a.map((v, i) => Math.abs(v - b[i]))) / largest;
        for (const row of ours) expect(Math.min(...theirs.map((other) => distance(row, other)))).toBeLessThan(1e-4);
      }
    },
  );

  it('YOLO26 is recognised, and its boxes come back to the photo', async () => {
    const [first, second] = await detectionsOf(`${zoo}/yolo26n_e2e_random.onnx`, 0.3);
    // onnxruntime's rows on OpenCV's letterbox, 256 of 640 pixels with 32 on the left, cut off at the photo's edges
    const wanted = [
      { score: 0.3204, box: [(176.458 - 32) * 2.5, 175.993 * 2.5, 480, 640] },
      { score: 0.308, box: [(172.041 - 32) * 2.5, 145.271 * 2.5, 480, 640] },
    ];
    [first, second].forEach(({ score, classIndex, box: { xmin, ymin, xmax, ymax } }, i) => {
      expect(classIndex).toBe(29);
      expect(Math.abs(score - wanted[i].score)).toBeLessThan(1e-3);
      // another resampling of the photo
      [xmin, ymin, xmax, ymax].forEach((v, k) => expect(Math.abs(v - wanted[i].box[k])).toBeLessThan(2));
    });
  });
});

describe('YOLO11 in TFLite', () => {
  describeWithData('with weights in int8', 'zoo/yolo11n_int8.tflite', (file) => {
    it('finds the horse and its rider as tfjs-tflite does', async () => {
      const found = await detectionsOf(file, 0.3);
      expect(found.map(({ label }) => label)).toEqual(['horse', 'person']);
      const wanted = [
        { score: 0.86, box: [2, 53, 239, 567] },
        { score: 0.79, box: [221, 169, 481, 638] },
      ];
      found.forEach(({ score, box: { xmin, ymin, xmax, ymax } }, i) => {
        // XNNPACK rounds activations to eight bits, layer by layer
        expect(Math.abs(score - wanted[i].score)).toBeLessThan(0.05);
        [xmin, ymin, xmax, ymax].forEach((v, k) => expect(Math.abs(v - wanted[i].box[k])).toBeLessThan(16));
      });
    });
  });
});
