// Lowers one operator onto single kernels, without the compiler: values lie where a test says, in planes or flat.
import { defaultCostModel, fastest } from '../../src/lower/cost.ts';
import type { Lowering } from '../../src/lower/lowering.ts';
import type { Placement } from '../../src/lower/placement.ts';
import type { Shape } from '../../src/graph/graph.ts';
import { planeStrides, rowMajorStrides } from '../../src/program/layout.ts';
import type { Operator } from '../../src/ops/operator.ts';
import type { KernelName } from '../../src/program/kernels.ts';
import type { Pointer } from '../../src/program/program.ts';
import { elementCount } from '../../src/tensor.ts';
import type { Kernels, Region } from '../kernels/wasm.ts';

export type Storage = 'planes' | 'flat' | 'constant';

export interface Stored {
  shape: Shape;
  data: Float32Array;
  /** Default `flat`. */
  storage?: Storage;
}

interface Place {
  shape: Shape;
  storage: Storage;
  region: number;
  data?: Float32Array;
}

function stridesOf({ shape, storage }: { shape: Shape; storage: Storage }): number[] {
  return storage === 'planes' ? planeStrides(shape) : rowMajorStrides(shape);
}

function floatsOf(place: { shape: Shape; storage: Storage }): number {
  return place.storage === 'planes' ? place.shape[0] * stridesOf(place)[0] : elementCount(place.shape);
}

/** Where each element of a stored value lies, in row-major order. */
function* elements(shape: Shape, strides: readonly number[]): Generator<number> {
  const index = shape.map(() => 0);
  const count = elementCount(shape);
  for (let i = 0; i < count; i++) {
    yield index.reduce((at, k, axis) => at + k * strides[axis], 0);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
}

export interface Outcome {
  actual: Float32Array[];
  expected: Float32Array[];
  /** Kernels emitted, in order, with their arguments. */
  steps: { kernel: KernelName; args: Record<string, number | Pointer> }[];
}

/**
 * Runs an operator by its kernels and by its reference. Outputs and the padding of planes hold NaN at first.
 * `outputs` gives each output's storage, or the number of the input that it is written over.
 */
export function runOperator<A extends object>(
  kernels: Kernels,
  operator: Operator<A>,
  attributes: A,
  inputs: readonly Stored[],
  outputs: readonly ('planes' | 'flat' | number)[] = ['flat'],
): Outcome {
  kernels.reset();
  const types = inputs.map(({ shape, data, storage }) => ({
    shape,
    dtype: 'float32' as const,
    data: storage === 'constant' ? data : undefined,
  }));
  const shapes = operator.infer(attributes, types);
  const expected = operator.evaluate(
    attributes,
    inputs.map(({ shape, data }) => ({ shape, data })),
    shapes,
  );

  const regions: Region[] = [];
  const allocate = (region: Region): number => regions.push(region) - 1;
  const places = new Map<string, Place>();
  for (const [i, { shape, data, storage = 'flat' }] of inputs.entries()) {
    const place = { shape, storage, data, region: -1 };
    const region = kernels.floats(Math.max(1, floatsOf(place)));
    let k = 0;
    for (const at of elements(shape, stridesOf(place))) region.f32[at] = data[k++];
    places.set(`x${i}`, { ...place, region: allocate(region) });
  }
  for (const [i, shape] of shapes.entries()) {
    const asked = outputs[i] ?? 'flat';
    if (typeof asked === 'number') {
      const host = places.get(`x${asked}`)!;
      places.set(`y${i}`, { shape, storage: host.storage, region: host.region });
    } else {
      const region = allocate(kernels.floats(Math.max(1, floatsOf({ shape, storage: asked }))));
      places.set(`y${i}`, { shape, storage: asked, region });
    }
  }

  const steps: Outcome['steps'] = [];
  const place = (value: string): Place => {
    const found = places.get(value);
    if (!found) throw new Error(`no value ${value}`);
    return found;
  };
  const lowering: Lowering = {
    costModel: defaultCostModel,
    note: () => undefined,
    choose: fastest,
    shape: (value) => place(value).shape,
    strides: (value) => stridesOf(place(value)),
    inPlanes: (value) => place(value).storage === 'planes',
    at: (value, floats = 0) => ({ buffer: place(value).region, offset: 4 * floats }),
    constantData: (value) => (place(value).storage === 'constant' ? place(value).data : undefined),
    isPlaced: (value, host, floats = 0) => floats === 0 && place(value).region === place(host).region,
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
      steps.push({ kernel, args });
      const addresses = Object.entries(args as Record<string, number | Pointer>).map(([field, value]) => [
        field,
        typeof value === 'number' ? value : regions[value.buffer].address + value.offset,
      ]);
      kernels.call(kernel, Object.fromEntries(addresses));
    },
  };
  operator.lower(
    {
      name: 'node',
      op: 'op',
      inputs: inputs.map((_, i) => `x${i}`),
      outputs: shapes.map((_, i) => `y${i}`),
      attributes,
    },
    lowering,
  );
  const actual = shapes.map((shape, i) => {
    const { region } = place(`y${i}`);
    return Float32Array.from(elements(shape, stridesOf(place(`y${i}`))), (at) => regions[region].f32[at]);
  });
  return { actual, expected: expected.map((tensor) => tensor.data), steps };
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
