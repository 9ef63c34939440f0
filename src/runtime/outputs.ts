// A model's outputs where the last run left them: looked through in linear memory, copied only where need be.
import type { detectKernels } from '../program/kernels/detect.ts';
import { foundHeaderBytes } from '../program/kernels/detect.ts';
import type { Endpoint } from '../program/program.ts';
import { elementCount } from '../tensor.ts';
import { isRowMajor } from './endpoint.ts';
import type { Place } from './image-run.ts';
import { up64 } from './up64.ts';
import { scanBest, type Found, type Outputs, type ScoreScan } from './scan.ts';

export class OutputsInPlace implements Outputs {
  readonly #place: Place;
  readonly #endpoints: ReadonlyMap<string, { endpoint: Endpoint; address: number }>;
  readonly #copies = new Map<string, Float32Array>();

  constructor(place: Place) {
    const { outputs } = place.program;
    this.#place = place;
    this.#endpoints = new Map(
      outputs.map((endpoint) => [endpoint.name, { endpoint, address: place.address(endpoint) }]),
    );
  }

  values(name: string): Float32Array {
    const { endpoint, address } = this.#endpoints.get(name)!;
    const { instance, free, readValues } = this.#place;
    const { buffer } = instance.memory;
    if (isRowMajor(endpoint)) return new Float32Array(buffer, address, elementCount(endpoint.shape));
    const copy = this.#copies.get(name) ?? readValues(instance, free, endpoint, address);
    this.#copies.set(name, copy);
    return copy;
  }

  best(scan: ScoreScan, threshold: number): Found {
    const { endpoint, address } = this.#endpoints.get(scan.output)!;
    const { anchors, classes, background, at, anchorStep, classStep, objectness, activation } = scan;
    const contiguous = anchorStep === 1 || classStep === 1;
    const inside = lastElement(scan) < elementCount(endpoint.shape);
    if (!isRowMajor(endpoint) || !contiguous || !inside || activation === 'softmax' || classes <= background) {
      return scanBest(this.values(scan.output), scan, threshold);
    }
    const { instance, free, recordBytes, growMemory, writeRecord } = this.#place;
    const { memory, exports } = instance;
    const record = up64(free);
    const y = up64(record + recordBytes('f32_best_class'));
    growMemory(memory, y + foundHeaderBytes + 12 * anchors, 'detections');
    const first = address + 4 * (at + background * classStep);
    const sigmoid = activation === 'sigmoid';
    const args: Record<keyof typeof detectKernels.f32_best_class.fields, number> = {
      x: first,
      objectness: objectness === undefined ? first : address + 4 * objectness,
      y,
      anchors,
      classes: classes - background,
      anchorStep: 4 * anchorStep,
      classStep: 4 * classStep,
      hasObjectness: objectness === undefined ? 0 : 1,
      sigmoid: sigmoid ? 1 : 0,
      floor: floorOf(threshold, sigmoid, objectness !== undefined),
      threshold,
      most: anchors,
    };
    writeRecord(memory, record, 'f32_best_class', (field) => args[field as keyof typeof args]);
    exports.f32_best_class(record);
    const { buffer } = memory;
    const length = new Uint32Array(buffer, y, 1)[0];
    const table = y + foundHeaderBytes;
    return {
      length,
      anchors: new Int32Array(buffer, table, length).slice(),
      classes: new Int32Array(buffer, table + 4 * anchors, length).slice(),
      scores: new Float32Array(buffer, table + 8 * anchors, length).slice(),
    };
  }
}

function lastElement({ anchors, classes, at, anchorStep, classStep, objectness = 0 }: ScoreScan): number {
  const along = (anchors - 1) * anchorStep;
  return Math.max(at + along + (classes - 1) * classStep, objectness + along);
}

/** A best value under it cannot reach the threshold: sigmoids of it and of any objectness are at most 1. */
function floorOf(threshold: number, sigmoid: boolean, objectness: boolean): number {
  if (!sigmoid) return objectness ? -Infinity : threshold;
  return threshold < 1 ? Math.log(threshold / (1 - threshold)) - 0.01 : 4;
}
