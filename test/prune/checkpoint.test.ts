import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../src/prune/options.ts';
import type { PruneOptions } from '../../src/prune/options.ts';
import { prune } from '../../src/prune/prune.ts';
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import type { TensorFile } from '../../src/formats/safetensors.ts';
import { Tensor } from '../../src/tensor.ts';
import { smallNetwork, smallSamples } from './networks.ts';

/** A checkpoint in memory. */
class Memory implements Checkpoint {
  readonly name = 'memory';
  bytes: Uint8Array | undefined;
  async load() {
    return this.bytes;
  }
  async save(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  async remove() {
    this.bytes = undefined;
  }
}

const options: PruneOptions = { sparsity: 0.5, criterion: 'random', seed: 5 };

/** A run that ends before the layer of that number, and the checkpoint that it leaves. */
async function interrupted(layer: number, more: PruneOptions = {}): Promise<Memory> {
  const checkpoint = new Memory();
  const controller = new AbortController();
  const onProgress: PruneOptions['onProgress'] = ({ done }) => done === layer && controller.abort(new Error('stop'));
  const run = prune(smallNetwork(), { ...options, ...more, checkpoint, signal: controller.signal, onProgress });
  await expect(run).rejects.toThrow('stop');
  return checkpoint;
}

describe('a run that was cut off', () => {
  it('continues where it stopped, with the same results', async () => {
    const whole = await prune(smallNetwork(), options);
    const checkpoint = await interrupted(2);
    expect(checkpoint.bytes).toBeDefined();
    const { graph, masks, report } = await prune(smallNetwork(), { ...options, checkpoint });
    expect(graph).toEqual(whole.graph);
    expect(masks).toEqual(whole.masks);
    expect(report.notes[0]).toMatch(/^[1-9] layers are from memory, from an unfinished run$/);
    expect(checkpoint.bytes).toBeUndefined();
  });

  it('continues a search, with the same results', async () => {
    const more: PruneOptions = { distribution: 'search', criterion: 'magnitude', samples: smallSamples(12) };
    const whole = await prune(smallNetwork(), { ...options, ...more });
    const checkpoint = new Memory();
    const controller = new AbortController();
    const onProgress: PruneOptions['onProgress'] = ({ phase, step, done }) => {
      if (phase === 'search' && step === 'evolution, 1 of 2' && done === 3) controller.abort(new Error('stop'));
    };
    const cut = prune(smallNetwork(), { ...options, ...more, checkpoint, signal: controller.signal, onProgress });
    await expect(cut).rejects.toThrow('stop');
    const { report, masks, graph } = await prune(smallNetwork(), { ...options, ...more, checkpoint });
    const [first, ...notes] = report.notes;
    expect(first).toMatch(/^[1-9]\d* steps of the search are from memory, from an unfinished run$/);
    expect(notes).toEqual(whole.report.notes);
    expect(masks).toEqual(whole.masks);
    expect(graph).toEqual(whole.graph);
    expect(checkpoint.bytes).toBeUndefined();
  });

  it.each([
    ['another seed', { seed: 6 }],
    ['another share', { sparsity: 0.6 }],
    ['another pattern', { pattern: 'group2' }],
    ['another criterion', { criterion: 'magnitude' as const }],
    ['another distribution', { distribution: 'erk' as const }],
    ['other layers', { exclude: ['conv2d2'] }],
  ])('starts again for %s', async (_, changed) => {
    const checkpoint = await interrupted(2);
    const { report, masks } = await prune(smallNetwork(), { ...options, ...changed, checkpoint });
    expect(report.notes[0]).toBe('memory is from another run (other model, options or images): started again');
    expect(masks).toEqual((await prune(smallNetwork(), { ...options, ...changed })).masks);
  });

  it('starts again for another network', async () => {
    const checkpoint = await interrupted(2);
    const { report } = await prune(smallNetwork(2), { ...options, checkpoint });
    expect(report.notes[0]).toContain('from another run');
  });

  it('starts again from a checkpoint that no run can have written', async () => {
    const whole = await prune(smallNetwork(), options);
    const { bytes } = await interrupted(2);
    const deep = `${'['.repeat(1e5)}${']'.repeat(1e5)}`;
    const short = (file: TensorFile) => file.tensors.set('0.weights', new Tensor('float32', [1], [1]));
    const integers = (file: TensorFile) => {
      const { length } = file.tensors.get('0.weights')!.data;
      file.tensors.set('0.weights', new Tensor('int32', [length], Array(length).fill(1)));
    };
    const said = (key: string, from: RegExp, to: string) => (file: TensorFile) => {
      expect(file.metadata[key]).toMatch(from);
      file.metadata[key] = file.metadata[key].replace(from, to);
    };
    for (const change of [
      short,
      integers,
      said('layers', /"pattern":"unstructured"/, `"pattern":${deep}`),
      said('layers', /"name":"/, '"name":"other '),
      said('notes', /^.*$/, `[${deep}]`),
      said('distribution', /^.*$/, `[${deep}]`),
      said('search', /^.*$/, `[${deep}]`),
      said('search', /^.*$/, '[[0,[1,{}]]]'),
      said('search', /^.*$/, '[[0.5,[1]]]'),
      said('search', /^.*$/, '[7]'),
    ]) {
      const file = readSafetensors(bytes!, 'memory');
      change(file);
      const checkpoint = new Memory();
      checkpoint.bytes = writeSafetensors(file);
      const { graph, report } = await prune(smallNetwork(), { ...options, checkpoint });
      expect(report.notes[0]).toContain('memory cannot be used');
      expect(graph).toEqual(whole.graph);
    }
  });

  it('starts again from a broken checkpoint', async () => {
    const whole = await prune(smallNetwork(), options);
    const { bytes } = await interrupted(2);
    for (const length of [0, 7, 100, bytes!.length - 1]) {
      const checkpoint = new Memory();
      checkpoint.bytes = bytes!.slice(0, length);
      const { graph, report } = await prune(smallNetwork(), { ...options, checkpoint });
      expect(report.notes[0]).toMatch(/^memory cannot be used \(memory: .*\): started again$/);
      expect(graph).toEqual(whole.graph);
    }
  });
});
