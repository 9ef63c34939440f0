// In the worker: compiling and pruning.
import { compileGraph, importModel, writeArtifact } from 'filigree/compile';
import { photoSamples, prune, writeMasks } from 'filigree/prune';
import type { CalibrationPhoto } from 'filigree/prune';

/** What to prune for: a share of zeros, 0 to 1, or so many times the speed. */
export type Goal = { zeros: number } | { speedup: number };

export interface Step {
  text: string;
  /** 0…1 of the whole. */
  share: number;
}

export interface Pruned {
  dense: Uint8Array;
  pruned: Uint8Array;
  /** A safetensors file: 0 and 1 for each weight. */
  masks: Uint8Array;
  facts: {
    /** The share of zeros among the weights that may be pruned. */
    zeros: number;
    weights: { before: number; after: number };
    macs: { before: number; after: number };
    seconds: number;
  };
}

/** Fewer zeros than this share are not worth a comparison. */
const minZeros = 0.05;

export function compileBoth(name: string, bytes: Uint8Array): Uint8Array[] {
  const skipping = compileGraph(importModel(bytes, name));
  const sum = (of: 'macs' | 'effectiveMacs') => skipping.layers.reduce((total, layer) => total + layer[of], 0);
  if (sum('effectiveMacs') > (1 - minZeros) * sum('macs')) return [writeArtifact(skipping)];
  return [skipping, compileGraph(importModel(bytes, name), { dense: true })].map((program) => writeArtifact(program));
}

/** Weights are saved as halves: half the bytes, and nobody sees a difference. */
const small = { weights: 'f16' } as const;

/** Reading photos takes about so much of the time. */
const photosShare = 0.25;

export async function pruneNetwork(
  name: string,
  bytes: Uint8Array,
  photos: readonly Blob[],
  goal: Goal,
  onStep: (step: Step) => void,
): Promise<Pruned> {
  onStep({ text: 'Reading the network', share: 0 });
  const graph = importModel(bytes, name);
  const program = compileGraph(importModel(bytes, name), small);
  const dense = writeArtifact(program);
  const before = photos.length > 0 ? photosShare : 0;
  const onPhoto = (i: number) =>
    onStep({ text: `Looking at photo ${i + 1} of ${photos.length}`, share: (before * i) / photos.length });
  const seen = photos.length > 0 ? await photoSamples(graph, program, photos.map(decodable), { onPhoto }) : {};
  const target = 'zeros' in goal ? { sparsity: goal.zeros } : { targetSpeedup: goal.speedup };
  const {
    graph: sparse,
    masks,
    report,
  } = await prune(graph, {
    ...target,
    ...seen,
    onProgress({ phase, done, total, layer }) {
      const share = before + (1 - before) * (done / total);
      if (phase === 'pruning')
        onStep({ text: `Layer ${Math.min(done + 1, total)} of ${total}: ${layer ?? ''}`, share });
    },
  });
  onStep({ text: 'Compiling', share: 1 });
  return {
    dense,
    masks: writeMasks(sparse, masks, report),
    pruned: writeArtifact(compileGraph(sparse, small)),
    facts: { zeros: report.sparsity, weights: report.weights, macs: report.macs, seconds: report.seconds },
  };
}

/** No network looks at more pixels. */
const maxSide = 1280;

const decodable = (photo: Blob, i: number): CalibrationPhoto => ({
  name: String(i),
  async decode() {
    const bitmap = await createImageBitmap(photo);
    const scale = Math.min(1, maxSide / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
    context.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
    const { data } = context.getImageData(0, 0, width, height);
    return { data, width, height, channels: 4 };
  },
});
