// What a session gives to those who write inputs, call kernels and read outputs themselves.
import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../../src/program/kernels.ts';
import type { KernelNumbers } from '../../src/program/kernels.ts';
import { Tensor } from '../../src/tensor.ts';
import { builds } from '../kernels/wasm.ts';
import { loadGraph, oneNode } from '../program.ts';

/** A map whose planes have gaps, and a row without any. */
const shapes = [
  [1, 3, 5, 7],
  [1, 12],
];

const values = (count: number) => Float32Array.from({ length: count }, (_, i) => (i % 2 ? i : -i));

/** Copies `n` floats, all other axes being 1. */
function copyNumbers(x: number, y: number, n: number): KernelNumbers<'f32_copy'> {
  const numbers = Object.fromEntries(fieldsOf('f32_copy').map(([name]) => [name, name.startsWith('d') ? 1 : 0]));
  return { ...numbers, x, y, d5: n, x5: 4, y5: 4 } as KernelNumbers<'f32_copy'>;
}

describe.each(builds)('a session, %s', (build) => {
  it.each(shapes.map((shape) => [shape]))('writes, runs and reads as run() does: %j', async (shape) => {
    using model = await loadGraph(oneNode('unary', { fn: 'abs' }, [shape], []), build);
    const given = values(shape.reduce((a, b) => a * b));
    const { y0 } = await model.run({ x0: new Tensor('float32', shape, given) });
    const read = await model.session((session) => {
      expect(session.view(session.inputs[0]).inPlace === undefined).toBe(shape.length === 4);
      session.view(session.inputs[0]).write(given);
      expect(session.view(session.inputs[0]).read()).toEqual(given);
      return session.run(() => session.view(session.outputs[0]).read());
    });
    expect(read).toEqual(y0.data);
    expect(read).toEqual(given.map(Math.abs));
  });

  it('shows values where they lie, unless there are gaps', async () => {
    using row = await loadGraph(oneNode('unary', { fn: 'abs' }, [[1, 12]], []), build);
    await row.run({ x0: new Tensor('float32', [1, 12], values(12)) });
    await row.session(({ view, outputs }) => {
      const { address, inPlace } = view(outputs[0]);
      expect(inPlace).toEqual(values(12).map(Math.abs));
      expect(inPlace!.byteOffset).toBe(address);
    });
  });

  it('calls kernels on scratch that grows, and leaves the program as it is', async () => {
    using model = await loadGraph(oneNode('unary', { fn: 'abs' }, [[1, 12]], []), build);
    const input = { x0: new Tensor('float32', [1, 12], values(12)) };
    const before = await model.run(input);
    for (const count of [4, 100_000, 4]) {
      await model.session((session) => {
        const { buffer, byteOffset } = session.scratch(8 * count, 'a test');
        expect(byteOffset % 64).toBe(0);
        new Float32Array(buffer, byteOffset, count).fill(count);
        session.call('f32_copy', copyNumbers(byteOffset, byteOffset + 4 * count, count));
        const copied = new Float32Array(buffer, byteOffset + 4 * count, count);
        expect(copied.every((value) => value === count)).toBe(true);
      });
    }
    expect(await model.run(input)).toEqual(before);
  });

  it('calls kernels without scratch', async () => {
    using model = await loadGraph(oneNode('unary', { fn: 'abs' }, [[1, 12]], []), build);
    await model.run({ x0: new Tensor('float32', [1, 12], values(12)) });
    await model.session(({ view, call, inputs, outputs }) => {
      call('f32_copy', copyNumbers(view(inputs[0]).address, view(outputs[0]).address, 12));
      expect(view(outputs[0]).read()).toEqual(values(12));
    });
  });

  it('ends with its model', async () => {
    const model = await loadGraph(oneNode('unary', { fn: 'abs' }, [[1, 12]], []), build);
    const kept = await model.session((session) => session);
    model.dispose();
    const disposed = expect.objectContaining({ code: 'disposed' });
    expect(() => kept.view(kept.inputs[0])).toThrow(disposed);
    expect(() => kept.scratch(8, 'a test')).toThrow(disposed);
    expect(() => kept.run(() => {})).toThrow(disposed);
    await expect(model.session(() => {})).rejects.toThrow(disposed);
  });
});
