// What fuzzing begins with besides the committed corpus: every kernel, operator and head, from the tables that tests have of them, so that
// a new one is fuzzed from the day it is there.
import { exportTflite } from '../../bench/tflite/export.ts';
import { quantiseTflite } from '../../bench/tflite/quantise.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { operatorCases } from '../import/onnx/cases/index.ts';
import { quantisedCases } from '../import/onnx/cases/quantised.ts';
import { OnnxBuilder } from '../import/onnx/model.ts';
import { everyKernel, everyProgram } from '../program/every-kernel.ts';
import { everyHead } from '../vision/heads/every-head.ts';
import type { TargetName } from './targets.ts';
import { readCorpus } from './task.ts';

const bytesOf = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));

function onnxOf(cases: typeof operatorCases): Uint8Array[] {
  // the same operator in another opset is what fuzzing makes of it
  const titles = new Map(cases.map((one) => [one.title, one]));
  return [...titles.values()].map(({ opset, build }, i) => {
    const model = new OnnxBuilder(opset, i + 1);
    for (const name of [build(model)].flat()) model.output(name);
    return model.bytesOfModel();
  });
}

/** Networks of every kernel as TFLite files, where it has their operators, in floats or in bytes. */
function tfliteOf(inBytes: boolean): Uint8Array[] {
  const fileOf = (graph: Graph) => {
    const model = exportTflite(graph);
    return inBytes ? quantiseTflite(model, () => ({ low: -3, high: 3 }))?.model.bytes() : model.bytes();
  };
  return Object.values(everyKernel).flatMap(({ graph }) => {
    try {
      return fileOf(graph) ?? [];
    } catch {
      return []; // TFLite has no such operator
    }
  });
}

const made: Partial<Record<TargetName, () => Uint8Array[]>> = {
  artifact: () => everyProgram().map(([, program]) => writeArtifact(program)),
  onnx: () => onnxOf(operatorCases),
  tflite: () => [...tfliteOf(false), ...tfliteOf(true)],
  integers: () => [...onnxOf(quantisedCases), ...tfliteOf(true)],
  heads: () => Object.values(everyHead).map(([head, ...outputs]) => bytesOf({ head, outputs, seed: 1 })),
};

/** The committed inputs of a target and those made here, by name. */
export function corpusOf(target: TargetName): { file: string; input: Uint8Array }[] {
  const seeds = (made[target]?.() ?? []).map((input, i) => ({ file: `made ${i}`, input: Uint8Array.from(input) }));
  return [...readCorpus(target), ...seeds];
}
