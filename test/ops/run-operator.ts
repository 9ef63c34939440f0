// Runs one operator's `place` and `lower` through the real kernels, without the compiler: values lie between guard bands, in
// planes or flat, as a test says. Beside it, what its `evaluate` gives.
import { expect } from 'vitest';
import { defaultCostModel, fastest } from '../../src/lower/cost.ts';
import type { Lowering } from '../../src/lower/lowering.ts';
import type { Placement } from '../../src/lower/placement.ts';
import type { Node, Shape } from '../../src/graph/graph.ts';
import { bufferSlack, paddedPlane, planeStrides, rowMajorStrides } from '../../src/program/layout.ts';
import type { Operator } from '../../src/ops/operator.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import type { Pointer } from '../../src/program/program.ts';
import { elementCount } from '../../src/tensor.ts';
import type { Kernels, Region } from '../kernels/wasm.ts';

export type Layout = 'planes' | 'flat';
export type Storage = Layout | 'constant';

export interface Input {
  shape: Shape;
  data: Float32Array;
  /** Default `flat`. */
  storage?: Storage;
  /** Two inputs of one name are one value. Default `x0`, `x1`, … */
  name?: string;
}

/** A value in memory. */
interface Stored {
  shape: Shape;
  storage: Storage;
  strides: number[];
  floats: number;
  constant?: Float32Array;
  /** The value that it lies in, and where, in floats. */
  host?: string;
  offset: number;
}

export interface Outcome {
  actual: Float32Array[];
  expected: Float32Array[];
  /** Kernels emitted, in order, with their arguments. */
  steps: { kernel: KernelName; args: Record<string, number | Pointer> }[];
}

function stridesOf({ shape, storage }: { shape: Shape; storage: Storage }): number[] {
  return storage === 'planes' ? planeStrides(shape) : rowMajorStrides(shape);
}

/** Where each element of a value lies that begins at `start`, in row-major order. */
function* elements({ shape, strides }: Stored, start: number): Generator<number> {
  const index = shape.map(() => 0);
  const count = elementCount(shape);
  for (let i = 0; i < count; i++) {
    yield index.reduce((at, k, axis) => at + k * strides[axis], start);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
}

/** Fills the padding of a value's planes with what writers of planes may leave there. */
function soil(memory: Float32Array, { shape, storage }: Stored, start: number): void {
  if (storage !== 'planes') return;
  const [n, c, h, w] = shape;
  const plane = paddedPlane(h * w);
  for (let p = 0; p < n * c; p++) {
    for (let at = start + p * plane + h * w; at < start + (p + 1) * plane; at++) memory[at] = at % 2 ? NaN : 1234567;
  }
}

const typesOf = (inputs: readonly Input[]) =>
  inputs.map(({ shape, data, storage }) => {
    return { shape, dtype: 'float32' as const, data: storage === 'constant' ? data : undefined };
  });

/** The values of one node, in memory of their own each but where one has been placed in another. */
class Values {
  readonly #values = new Map<string, Stored>();

  add(name: string, shape: Shape, storage: Storage, constant?: Float32Array): string {
    if (this.#values.has(name)) return name;
    const strides = stridesOf({ shape, storage });
    const floats = storage === 'planes' ? shape[0] * strides[0] : elementCount(shape);
    this.#values.set(name, { shape, storage, strides, floats, constant, offset: 0 });
    return name;
  }

  of(name: string): Stored {
    const value = this.#values.get(name);
    if (!value) throw new Error(`no value "${name}"`);
    return value;
  }

  put(name: string, host: string, offset: number): void {
    const value = this.of(name);
    if (offset < 0 || offset + value.floats > this.of(host).floats) throw new Error(`${name} does not fit ${host}`);
    Object.assign(value, { host, offset });
  }

  /** The value whose memory this one lies in, and where. */
  root(name: string): { name: string; offset: number } {
    const { host, offset } = this.of(name);
    if (host === undefined) return { name, offset: 0 };
    const above = this.root(host);
    return { name: above.name, offset: above.offset + offset };
  }

  /** Those that have memory. */
  roots(): [name: string, value: Stored][] {
    return [...this.#values].filter(([, { host }]) => host === undefined);
  }
}

/**
 * Runs an operator by its kernels and by its reference. Outputs hold NaN at first, the padding of planes garbage.
 * @param outputs each output's layout, or the index of the input that it overwrites; default flat
 * @param share whether what `place` asks for is granted
 */
export function runOperator<A extends object>(
  kernels: Kernels,
  operator: Operator<A>,
  attributes: A,
  inputs: readonly Input[],
  outputs: readonly (Layout | number)[] = [],
  share = false,
): Outcome {
  kernels.reset();
  const values = new Values();
  const shapes = operator.infer(attributes, typesOf(inputs));
  const expected = operator.evaluate(attributes, [...inputs], shapes);
  for (const [i, shape] of shapes.entries()) expect(expected[i].shape).toEqual(shape);

  const names = inputs.map(({ name, shape, data, storage = 'flat' }, i) =>
    values.add(name ?? `x${i}`, shape, storage, storage === 'constant' ? data : undefined),
  );
  const results = shapes.map((shape, i) => {
    const asked = outputs[i] ?? 'flat';
    if (typeof asked !== 'number') return values.add(`y${i}`, shape, asked);
    const name = values.add(`y${i}`, shape, values.of(names[asked]).storage);
    values.put(name, names[asked], 0);
    return name;
  });
  const node = { name: 'node', op: 'op', inputs: names, outputs: results, attributes } as Node & { attributes: A };
  const placement: Placement = {
    shape: (name) => values.of(name).shape,
    isConstant: (name) => values.of(name).constant !== undefined,
    strides: (name) => [...values.of(name).strides],
    diesHere: () => true,
    overlap: (a, b) => a === b,
    alias(name, host, floats = 0) {
      const { constant, host: current } = values.of(name);
      if (!share || constant || current !== undefined || values.root(host).name === name) return false;
      values.put(name, host, floats);
      return true;
    },
  };
  operator.place?.(node, placement);

  const regions: Region[] = [];
  const allocate = (region: Region): number => regions.push(region) - 1;
  const homes = new Map<string, number>();
  for (const [name, { floats }] of values.roots()) homes.set(name, allocate(kernels.floats(Math.max(1, floats))));
  const at = (name: string, floats = 0): Pointer => {
    const { name: home, offset } = values.root(name);
    return { buffer: homes.get(home)!, offset: 4 * (offset + floats) };
  };
  const memoryOf = (name: string) => {
    const { buffer, offset } = at(name);
    return { memory: regions[buffer].f32, start: offset / 4, value: values.of(name) };
  };
  for (const [i, name] of names.entries()) {
    const { memory, start, value } = memoryOf(name);
    soil(memory, value, start);
    let k = 0;
    for (const place of elements(value, start)) memory[place] = inputs[i].data[k++];
  }

  const steps: Outcome['steps'] = [];
  const lowering: Lowering = {
    costModel: defaultCostModel,
    note: () => undefined,
    choose: fastest,
    shape: placement.shape,
    strides: placement.strides,
    inPlanes: (name) => values.of(name).storage === 'planes',
    at,
    constantData: (name) => values.of(name).constant,
    isPlaced(name, host, floats = 0) {
      const [inner, outer] = [at(name), at(host, floats)];
      return inner.buffer === outer.buffer && inner.offset === outer.offset && values.root(host).name !== name;
    },
    scratch: (bytes) => ({ buffer: allocate(kernels.floats(Math.ceil(bytes / 4))), offset: 0 }),
    constant(constant) {
      if (constant.form === 'i32') return { buffer: allocate(kernels.integers(constant.data)), offset: 0 };
      if (constant.form === 'f32') {
        const data = Float32Array.from(constant.data as Float32Array);
        return { buffer: allocate(kernels.floats(data, { constant, largest: 0 })), offset: 0 };
      }
      throw new Error(`runOperator does not expand ${constant.form} constants`);
    },
    emit(kernel, args) {
      steps.push({ kernel, args: args as Outcome['steps'][0]['args'] });
      const addresses = Object.entries(args as Outcome['steps'][0]['args']).map(([field, value]) => {
        if (typeof value === 'number') return [field, value];
        const { address, bytes } = regions[value.buffer];
        const isBeyond = value.offset < 0 || value.offset > bytes + 4 * bufferSlack;
        if (isBeyond) throw new Error(`${kernel}: ${field} points outside its buffer`);
        return [field, address + value.offset];
      });
      kernels.call(kernel, Object.fromEntries(addresses));
    },
  };
  operator.lower(node, lowering);

  // the padding of one output is not part of another
  for (const name of results) {
    const { memory, start, value } = memoryOf(name);
    soil(memory, value, start);
  }
  const actual = results.map((name) => {
    const { memory, start, value } = memoryOf(name);
    return Float32Array.from(elements(value, start), (place) => memory[place]);
  });
  return { actual, expected: expected.map(({ data }) => data), steps };
}

/** The bits of floats, so that NaN and −0 compare. */
export const bits = (data: Float32Array): Uint32Array => new Uint32Array(data.buffer, data.byteOffset, data.length);

/** All ways to give each shape one of its layouts. */
function combinations(shapes: readonly Shape[]): Layout[][] {
  const layoutsOf = (shape: Shape): Layout[] => (shape.length === 4 ? ['flat', 'planes'] : ['flat']);
  return shapes.reduce<Layout[][]>(
    (all, shape) => all.flatMap((some) => layoutsOf(shape).map((layout) => [...some, layout])),
    [[]],
  );
}

/** Expects the bits of `evaluate` from `lower`, for every layout of inputs and outputs, sharing storage and not. */
export function expectLoweredLikeEvaluated<A extends object>(
  kernels: Kernels,
  operator: Operator<A>,
  attributes: A,
  inputs: readonly Input[],
): void {
  const shapes = operator.infer(attributes, typesOf(inputs));
  for (const ins of combinations(inputs.map(({ shape, storage }) => (storage === 'constant' ? [] : shape)))) {
    for (const outs of combinations(shapes)) {
      for (const share of [false, true]) {
        const laid = inputs.map((x, i) => ({ ...x, storage: x.storage === 'constant' ? x.storage : ins[i] }));
        const { actual, expected } = runOperator(kernels, operator, attributes, laid, outs, share);
        for (const [i, output] of actual.entries()) {
          expect(bits(output), `output ${i}, ${ins} → ${outs}, share ${share}`).toEqual(bits(expected[i]));
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
  inputs: readonly Input[],
  outputs: readonly Layout[],
): KernelName[] {
  return runOperator(kernels, operator, attributes, inputs, outputs, true).steps.map(({ kernel }) => kernel);
}

/** What an operator's `place` asks for: `[value, host]` of every alias. Values are `x0`…, `y0`…; those in `dying` die here. */
export function placementsOf<A extends object>(
  operator: Operator<A>,
  attributes: A,
  inputs: readonly { shape: Shape; storage: Storage }[],
  outputs: readonly { shape: Shape; storage: Storage }[],
  dying: readonly string[],
): [value: string, host: string][] {
  const aliases: [string, string][] = [];
  const value = (name: string) => (name[0] === 'x' ? inputs : outputs)[Number(name.slice(1))];
  const placement: Placement = {
    shape: (name) => value(name).shape,
    isConstant: (name) => value(name).storage === 'constant',
    strides: (name) => stridesOf(value(name)),
    diesHere: (name) => dying.includes(name),
    overlap: (a, b) => a === b,
    alias(name, host) {
      aliases.push([name, host]);
      return true;
    },
  };
  operator.place?.(
    {
      name: 'node',
      op: 'op',
      inputs: inputs.map((_, i) => `x${i}`),
      outputs: outputs.map((_, i) => `y${i}`),
      attributes,
    },
    placement,
  );
  return aliases;
}
