// Measures the gain of rearranging a network's channels (src/prune/channels/rearrange.ts): the energy of weights that groups
// keep before and after, and the layers' errors on calibration photos:
//
//   node scripts/run.mjs bench/rearrange.ts model.onnx … [--patterns group2,group4] [--sparsities 0.5,0.7,0.9]
//       [--photos directory --preprocess mobilenet] [--count 16]
//
// `kept` is Σ w² of the weights that magnitude pruning keeps over Σ w² of the layer. `error` is ‖Wx − Ŵx‖² / ‖Wx‖² with corrected
// biases and x of the dense network. Both are means over the pruned layers. No order can keep more than unstructured pruning.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { calibrationPhotos, photosIn } from '../src/evaluate/photos.ts';
import { photoSamples } from '../src/prune.ts';
import { preprocessing } from '../src/cli/preprocess.ts';
import { compileGraph, importModel } from '../src/compile.ts';
import type { Graph } from '../src/graph/graph.ts';
import { Calibrator } from '../src/prune/statistics/calibration.ts';
import { type Layer, layersOf, weightsOf } from '../src/prune/layers.ts';
import { magnitudeScores } from '../src/prune/criteria/magnitude-scores.ts';
import { blocksToKeep, masked, select } from '../src/prune/patterns/masks.ts';
import { blocksOf, patternNamed } from '../src/prune/patterns/patterns.ts';
import { prepared } from '../src/prune/prepare.ts';
import { rearrange } from '../src/prune/channels/rearrange.ts';
import { layerError } from '../src/prune/criteria/reconstruct.ts';
import type { Sample } from '../src/prune/options.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    patterns: { type: 'string', default: 'group2,group4' },
    sparsities: { type: 'string', default: '0.5,0.7,0.9' },
    photos: { type: 'string' },
    preprocess: { type: 'string' },
    count: { type: 'string', default: '16' },
  },
});

interface Quality {
  kept: number;
  error?: number;
}

/** Means over layers that are pruned by magnitude, each separately. */
async function qualityOf(
  graph: Graph,
  layers: readonly Layer[],
  name: string,
  sparsity: number,
  calibrator?: Calibrator,
) {
  const pattern = patternNamed(name);
  const total: Required<Quality> = { kept: 0, error: 0 };
  for (const layer of layers) {
    const weights = weightsOf(graph, layer);
    const { blocks } = blocksOf(pattern, layer);
    const left = masked(weights, select(magnitudeScores(weights, blocks), blocks, blocksToKeep(blocks, sparsity)));
    const energy = (numbers: Float32Array) => numbers.reduce((sum, w) => sum + w * w, 0);
    total.kept += energy(left) / energy(weights) / layers.length;
    if (!calibrator) continue;
    const statistics = (await calibrator.statisticsOfAll([layer])).get(layer.name)!;
    total.error += (await layerError(layer, left, statistics, weights)) / layers.length;
  }
  return calibrator ? total : { kept: total.kept };
}

const percent = (share: number) => (100 * share).toFixed(1).padStart(5);

function row(what: string, { kept, error }: Quality, rest = ''): void {
  const shown = error === undefined ? '' : `   error ${error.toFixed(4)}`;
  console.log(`  ${what.padEnd(30)} kept ${percent(kept)} %${shown}${rest}`);
}

for (const file of positionals) {
  const name = basename(file);
  const graph = prepared(importModel(new Uint8Array(readFileSync(file)), name));
  const layers = layersOf(graph).filter(({ exempt, groups }) => !exempt && groups === 1);
  let samples: Sample[] = [];
  if (values.photos !== undefined) {
    const preprocess = values.preprocess === undefined ? undefined : preprocessing(values.preprocess);
    const photos = await photosIn(values.photos, Number(values.count));
    ({ samples } = await photoSamples(graph, compileGraph(prepared(graph)), calibrationPhotos(photos), { preprocess }));
  }
  const open = async (of: Graph) => (samples.length > 0 ? Calibrator.open(of, samples) : undefined);
  const before = await open(graph);
  console.log(`${name}: ${layers.length} layers${samples.length > 0 ? `, ${samples.length} photos` : ''}`);
  let inputEnergies: Map<string, Float64Array> | undefined;
  if (before) {
    inputEnergies = new Map();
    for (const layer of layers) {
      const [{ n, gram }] = (await before.statisticsOfAll([layer])).get(layer.name)!.groups;
      inputEnergies.set(
        layer.name,
        Float64Array.from({ length: n }, (_, i) => gram[i * n + i]),
      );
    }
  }
  for (const sparsity of values.sparsities.split(',').map(Number)) {
    row(`${sparsity} unstructured`, await qualityOf(graph, layers, 'unstructured', sparsity, before));
    for (const pattern of values.patterns.split(',')) {
      const shares = new Map(layers.map((layer) => [layer.name, sparsity]));
      row(`${sparsity} ${pattern}`, await qualityOf(graph, layers, pattern, sparsity, before));
      for (const [how, energies] of [
        ['by weights', undefined],
        ['by weights and inputs', inputEnergies],
      ] as const) {
        if (how !== 'by weights' && !energies) continue;
        const start = performance.now();
        const found = rearrange(graph, { pattern: { name: pattern }, sparsity: shares, inputEnergies: energies });
        const ms = performance.now() - start;
        const after = await open(found.graph);
        const seconds = `   ${(ms / 1000).toFixed(1)} s, ${found.permutations.size} sets of channels`;
        row(`  rearranged ${how}`, await qualityOf(found.graph, layers, pattern, sparsity, after), seconds);
        after?.dispose();
      }
    }
  }
  before?.dispose();
}
if (positionals.length === 0) process.exitCode = 1;
