// Runs an operator's `place` and `lower` against a memory of regions between guard bands, through the real kernels, and
// compares every layout of inputs and outputs with its `evaluate`, bit for bit.
import { expect } from 'vitest';
import type { Lowering } from '../../src/lower/lowering.ts';
import { defaultCostModel, fastest } from '../../src/lower/cost.ts';
import type { Placement } from '../../src/lower/placement.ts';
import { bufferSlack, paddedPlane, planeStrides, rowMajorStrides } from '../../src/program/layout.ts';
import type { Node } from '../../src/graph/graph.ts';
import type { InputType, Operator } from '../../src/ops/operator.ts';
import type { Pointer } from '../../src/program/program.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import { kernels as registry } from '../../src/program/kernels.ts';
import { elementCount } from '../../src/tensor.ts';
import type { Kernels, Region } from '../kernels/wasm.ts';

export type Layout = 'planes' | 'flat';

export interface Input {
  shape: number[];
  data: Float32Array;
  layout?: Layout;
  constant?: boolean;
  /** Two inputs of one name are one value. */
  name?: string;
}

interface Stored {
  shape: readonly number[];
  layout: Layout;
  strides: number[];
  floats: number;
  constant?: Float32Array;
  /** Where it has been placed. */
  host?: string;
  offset: number;
}

/** What a step was, with its arguments as they were emitted. */
export interface Emitted {
  kernel: KernelName;
  arguments: Record<string, number | Pointer>;
}

/** Garbage as a writer of planes may leave it in the padding. */
const dirt = 1234567;

/** The bits of floats, so that NaN and −0 compare. */
export const bits = (data: Float32Array): Uint32Array => new Uint32Array(data.buffer, data.byteOffset, data.length);

/** Copies row-major data into or out of where it is stored. */
function transfer(dense: Float32Array, memory: Float32Array, value: Stored, at: number, into: boolean): void {
  const dims = rowMajorStrides(value.shape);
  for (let i = 0; i < dense.length; i++) {
    let rest = i;
    let place = at;
    for (const [axis, stride] of dims.entries()) {
      place += Math.floor(rest / stride) * value.strides[axis];
      rest %= stride;
    }
    if (into) memory[place] = dense[i];
    else dense[i] = memory[place];
  }
}

/** Dirties the padding of a value's planes. */
function spill(memory: Float32Array, { shape, layout }: Stored, at: number): void {
  if (layout === 'flat') return;
  const [n, c, h, w] = shape;
  const plane = paddedPlane(h * w);
  for (let p = 0; p < n * c; p++) memory.fill(dirt, at + p * plane + h * w, at + (p + 1) * plane);
}

export interface Run {
  outputs: Float32Array[];
  emitted: Emitted[];
}

/**
 * Lowers one node and runs it.
 * @param share whether requests to share storage are granted
 */
export function runLowered<A extends object>(
  kernels: Kernels,
  operator: Operator<A>,
  attributes: A,
  inputs: Input[],
  outputLayouts: Layout[],
  share: boolean,
): Run {
  kernels.reset();
  const values = new Map<string, Stored>();
  const add = (name: string, shape: readonly number[], layout: Layout, constant?: Float32Array) => {
    const strides = layout === 'planes' ? planeStrides(shape) : rowMajorStrides(shape);
    const floats = layout === 'planes' ? shape[0] * strides[0] : elementCount(shape);
    if (!values.has(name)) values.set(name, { shape, layout, strides, floats, constant, offset: 0 });
    return name;
  };
  const valueOf = (name: string) => {
    const value = values.get(name);
    if (!value) throw new Error(`no value "${name}"`);
    return value;
  };
  const types: InputType[] = inputs.map(({ shape, data, constant }) => ({
    shape,
    dtype: 'float32',
    data: constant ? data : undefined,
  }));
  const names = inputs.map((x, i) =>
    add(x.name ?? `x${i}`, x.shape, x.layout ?? 'flat', x.constant ? x.data : undefined),
  );
  const outputs = operator.infer(attributes, types).map((shape, i) => add(`y${i}`, shape, outputLayouts[i]));
  const node = { name: 'node', op: 'op', inputs: names, outputs, attributes } as Node & { attributes: A };

  const root = (name: string): { name: string; offset: number } => {
    const { host, offset } = valueOf(name);
    if (host === undefined) return { name, offset: 0 };
    const above = root(host);
    return { name: above.name, offset: above.offset + offset };
  };
  const placement: Placement = {
    shape: (name) => valueOf(name).shape,
    isConstant: (name) => valueOf(name).constant !== undefined,
    strides: (name) => [...valueOf(name).strides],
    diesHere: () => true,
    overlap: (a, b) => a === b,
    alias(name, host, floats = 0) {
      const value = valueOf(name);
      if (!share || value.constant || value.host !== undefined || root(host).name === name) return false;
      if (floats < 0 || floats + value.floats > valueOf(host).floats) throw new Error(`${name} does not fit ${host}`);
      Object.assign(value, { host, offset: floats });
      return true;
    },
  };
  operator.place?.(node, placement);

  const regions: Region[] = [];
  const homes = new Map<string, number>();
  for (const [name, value] of values) {
    if (value.host === undefined) homes.set(name, regions.push(kernels.floats(value.floats)) - 1);
  }
  const at = (name: string, floats = 0): Pointer => {
    const { name: home, offset } = root(name);
    return { buffer: homes.get(home)!, offset: 4 * (offset + floats) };
  };
  for (const [i, name] of names.entries()) {
    const pointer = at(name);
    const { f32 } = regions[pointer.buffer];
    spill(f32, valueOf(name), pointer.offset / 4);
    transfer(inputs[i].data, f32, valueOf(name), pointer.offset / 4, true);
  }

  const emitted: Emitted[] = [];
  const lowering: Lowering = {
    costModel: defaultCostModel,
    note: () => undefined,
    choose: fastest,
    shape: placement.shape,
    strides: placement.strides,
    inPlanes: (name) => valueOf(name).layout === 'planes',
    at,
    constantData: (name) => valueOf(name).constant,
    isPlaced(name, host, floats = 0) {
      const [inner, outer] = [at(name), at(host, floats)];
      return inner.buffer === outer.buffer && inner.offset === outer.offset && root(name).name !== name;
    },
    scratch: (bytes) => ({ buffer: regions.push(kernels.floats(Math.ceil(bytes / 4))) - 1, offset: 0 }),
    constant(constant) {
      if (constant.form !== 'i32') throw new Error(`constant of form ${constant.form}`);
      return { buffer: regions.push(kernels.integers(constant.data)) - 1, offset: 0 };
    },
    emit(kernel, args) {
      emitted.push({ kernel, arguments: args as Emitted['arguments'] });
    },
  };
  operator.lower(node, lowering);

  for (const { kernel, arguments: args } of emitted) {
    const resolved = Object.entries(args).map(([field, value]) => {
      if (typeof value === 'number') return [field, value];
      const { address, bytes } = regions[value.buffer];
      const beyond = value.offset < 0 || value.offset > bytes + 4 * bufferSlack;
      if (beyond) throw new Error(`${kernel}: ${field} points outside its buffer`);
      return [field, address + value.offset];
    });
    expect(new Set(Object.keys(args))).toEqual(new Set(Object.keys(registry[kernel].fields)));
    kernels.call(kernel, Object.fromEntries(resolved));
  }

  for (const name of outputs) {
    const pointer = at(name);
    spill(regions[pointer.buffer].f32, valueOf(name), pointer.offset / 4);
  }
  const results = outputs.map((name) => {
    const pointer = at(name);
    const dense = new Float32Array(elementCount(valueOf(name).shape));
    transfer(dense, regions[pointer.buffer].f32, valueOf(name), pointer.offset / 4, false);
    return dense;
  });
  return { outputs: results, emitted };
}

const layoutsOf = (shape: readonly number[]): Layout[] => (shape.length === 4 ? ['flat', 'planes'] : ['flat']);

/** All ways to give each shape one of its layouts. */
function combinations(shapes: (readonly number[])[]): Layout[][] {
  return shapes.reduce<Layout[][]>(
    (all, shape) => all.flatMap((some) => layoutsOf(shape).map((layout) => [...some, layout])),
    [[]],
  );
}

/** Expects `lower` to give what `evaluate` gives, for every layout of inputs and outputs, sharing storage and not. */
export function expectLoweredLikeEvaluated<A extends object>(
  kernels: Kernels,
  operator: Operator<A>,
  attributes: A,
  inputs: Input[],
): void {
  const types = inputs.map(({ shape, data, constant }) => ({
    shape,
    dtype: 'float32' as const,
    data: constant ? data : undefined,
  }));
  const shapes = operator.infer(attributes, types);
  const expected = operator.evaluate(attributes, inputs, shapes);
  for (const [i, shape] of shapes.entries()) expect(expected[i].shape).toEqual(shape);
  const inputShapes = inputs.map(({ shape, constant }) => (constant ? [] : shape));
  for (const ins of combinations(inputShapes)) {
    for (const outs of combinations(shapes)) {
      for (const share of [false, true]) {
        const laid = inputs.map((input, i) => ({ ...input, layout: ins[i] }));
        const { outputs } = runLowered(kernels, operator, attributes, laid, outs, share);
        for (const [i, output] of outputs.entries()) {
          expect(bits(output), `output ${i}, ${ins} → ${outs}, share ${share}`).toEqual(bits(expected[i].data));
        }
      }
    }
  }
}

/** Kernels that remain to be run when storage may be shared. */
export function emittedKernels<A extends object>(
  kernels: Kernels,
  operator: Operator<A>,
  attributes: A,
  inputs: Input[],
  outputLayouts: Layout[],
): KernelName[] {
  return runLowered(kernels, operator, attributes, inputs, outputLayouts, true).emitted.map(({ kernel }) => kernel);
}
