// Reads a model's outputs where the last run left them in linear memory; copies only when necessary.
import { foundHeaderBytes } from '../program/kernels/detect.ts';
import type { Endpoint } from '../program/program.ts';
import type { Session } from '../runtime/session.ts';
import type { Outputs } from './outputs.ts';
import { scanBest, type ScoredAnchors, type ScoreScan } from './scan.ts';

export class OutputsInPlace implements Outputs {
  readonly #session: Session;
  readonly #endpoints: ReadonlyMap<string, Endpoint>;
  readonly #copies = new Map<string, Float32Array>();

  constructor(session: Session) {
    this.#session = session;
    this.#endpoints = new Map(session.outputs.map((endpoint) => [endpoint.name, endpoint]));
  }

  values(name: string): Float32Array {
    const view = this.#view(name);
    const values = view.inPlace ?? this.#copies.get(name) ?? view.read();
    if (!view.inPlace) this.#copies.set(name, values);
    return values;
  }

  best(scan: ScoreScan, threshold: number): ScoredAnchors {
    const { address, inPlace } = this.#view(scan.output);
    const { anchors, classes, background, at, anchorStep, classStep, objectness, activation } = scan;
    const contiguous = anchorStep === 1 || classStep === 1;
    const fits = inPlace && contiguous && lastElement(scan) < inPlace.length;
    if (!fits || activation === 'softmax' || classes <= background) {
      return scanBest(this.values(scan.output), scan, threshold);
    }
    const first = address + 4 * (at + background * classStep);
    const sigmoid = activation === 'sigmoid';
    const { buffer, byteOffset: y } = this.#session.scratch(foundHeaderBytes + 12 * anchors, 'detections');
    this.#session.call('f32_best_class', {
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
    });
    const length = new Uint32Array(buffer, y, 1)[0];
    const table = y + foundHeaderBytes;
    return {
      length,
      anchors: new Int32Array(buffer, table, length).slice(),
      classes: new Int32Array(buffer, table + 4 * anchors, length).slice(),
      scores: new Float32Array(buffer, table + 8 * anchors, length).slice(),
    };
  }

  #view(name: string) {
    return this.#session.view(this.#endpoints.get(name)!);
  }
}

function lastElement({ anchors, classes, at, anchorStep, classStep, objectness = 0 }: ScoreScan): number {
  const along = (anchors - 1) * anchorStep;
  return Math.max(at + along + (classes - 1) * classStep, objectness + along);
}

/** A best value below this cannot reach the threshold: its sigmoid and any objectness are at most 1. */
function floorOf(threshold: number, sigmoid: boolean, objectness: boolean): number {
  if (!sigmoid) return objectness ? -Infinity : threshold;
  return threshold < 1 ? Math.log(threshold / (1 - threshold)) - 0.01 : 4;
}
