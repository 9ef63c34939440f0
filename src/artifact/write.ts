import { joinSafetensors, type StoredTensor } from '../formats/safetensors.ts';
import { kernels } from '../program/kernels.ts';
import type { Buffer, Endpoint, Program, Scales, Step, Unread } from '../program/program.ts';
import type { FieldKind } from '../program/kernel.ts';
import type { ArrayTypeName, JsonBuffer, JsonEndpoint, JsonNumber, JsonProgram, StoredArray } from './format.ts';
import { arrayTypes, isInteger32, formatName, formatVersion } from './format.ts';

interface Named {
  name: string;
  type: ArrayTypeName;
  data: StoredArray;
}

/** A program's artifact. The same program gives the same bytes. */
export function writeArtifact(program: Program): Uint8Array {
  const tensors: Named[] = [];
  const labels = bufferLabels(program);
  const add = (buffer: number, part: string, data: StoredArray | Unread): string => {
    if (!ArrayBuffer.isView(data)) throw new Error(`${program.name}: constants are still in their file`);
    const name = `${labels[buffer]}.${part}`;
    const type = (Object.keys(arrayTypes) as ArrayTypeName[]).find((t) => data instanceof arrayTypes[t])!;
    tensors.push({ name, type, data });
    return name;
  };
  const json: JsonProgram = {
    name: program.name,
    buffers: program.buffers.map((buffer, i) => jsonBuffer(buffer, (part, data) => add(i, part, data))),
    arenaBytes: program.arenaBytes,
    naiveArenaBytes: program.naiveArenaBytes,
    steps: program.steps.map(jsonStep),
    layers: program.layers.map((layer) => ({ ...layer, shape: [...layer.shape] })),
    inputs: program.inputs.map(jsonEndpoint),
    outputs: program.outputs.map(jsonEndpoint),
    notes: program.notes,
    metadata: program.metadata,
  };
  return joinSafetensors(inOrder(tensors), {
    format: formatName,
    version: String(formatVersion),
    program: JSON.stringify(json),
  });
}

/** Names each constant after the first layer that reads it. */
function bufferLabels(program: Program): string[] {
  const labels: string[] = [];
  const used = new Set<string>();
  for (const { layer, arguments: args } of program.steps) {
    for (const [field, value] of Object.entries(args)) {
      if (typeof value === 'number' || labels[value.buffer]) continue;
      const base = `${program.layers[layer].name}.${field}`;
      let label = base;
      for (let i = 2; used.has(label); i++) label = `${base}.${i}`;
      used.add(label);
      labels[value.buffer] = label;
    }
  }
  return program.buffers.map((_, i) => labels[i] ?? `unused.${i}`);
}

function jsonBuffer(buffer: Buffer, add: (part: string, data: StoredArray | Unread) => string): JsonBuffer {
  if (buffer.kind === 'arena') return { arena: buffer.offset, bytes: buffer.bytes };
  const c = buffer.constant;
  switch (c.form) {
    case 'f32':
    case 'i32':
      return { form: c.form, data: add('data', c.data) };
    case 'taps': {
      const t = c.taps;
      const numbers = [t.channels, ...t.kernel, ...t.stride, ...t.dilation, t.channelBytes, t.phaseBytes, t.rowBytes];
      return { form: 'taps', taps: numbers };
    }
    case 'gemm':
      return {
        form: 'gemm',
        rows: c.rows,
        columns: c.columns,
        panel: c.panel,
        values: add('values', c.values),
        ...(c.bias && { bias: add('bias', c.bias) }),
        ...(c.winograd && { winograd: c.winograd }),
        ...jsonScales(c, add),
      };
    case 'blocks':
      return {
        form: 'blocks',
        rows: c.rows,
        columns: c.columns,
        group: c.group,
        bits: c.bits,
        counts: c.counts && add('counts', c.counts),
        gaps: c.gaps && add('gaps', c.gaps),
        values: add('values', c.values),
        scales: add('scales', c.scales),
        bias: add('bias', c.bias),
        taps: c.taps,
      };
    case 'quantised':
      return {
        form: 'quantised',
        rows: c.rows,
        columns: c.columns,
        bits: c.bits,
        counts: c.counts && add('counts', c.counts),
        gaps: c.gaps && add('gaps', c.gaps),
        values: add('values', c.values),
        scales: add('scales', c.scales),
        bias: c.bias && add('bias', c.bias),
      };
    case 'spmm':
      return {
        form: 'spmm',
        rows: c.rows,
        columns: c.columns,
        group: c.group,
        block: c.block,
        counts: add('counts', c.counts),
        gaps: add('gaps', c.gaps),
        values: add('values', c.values),
        bias: c.bias && add('bias', c.bias),
        taps: c.taps,
        ...jsonScales(c, add),
      };
  }
}

function jsonScales({ scales, blocks }: Scales, add: (part: string, data: StoredArray | Unread) => string) {
  return { ...(scales && { scales: add('scales', scales) }), ...(blocks && { blocks: add('blocks', blocks) }) };
}

function jsonStep(step: Step): JsonProgram['steps'][number] {
  const fields: JsonNumber[] = [];
  const layout: Record<string, FieldKind> = kernels[step.kernel].fields;
  for (const [name, kind] of Object.entries(layout)) {
    const value = step.arguments[name];
    if (value === undefined) throw new Error(`${step.kernel}: no argument ${name}`);
    if (typeof value !== 'number') fields.push(value.buffer, value.offset);
    else if (kind === 'f32' && !Number.isFinite(value)) {
      if (Number.isNaN(value)) throw new Error(`${step.kernel}: ${name} is NaN`);
      fields.push(value > 0 ? 'inf' : '-inf');
    } else fields.push(value);
  }
  return [step.kernel, step.layer, ...fields];
}

function jsonEndpoint(endpoint: Endpoint): JsonEndpoint {
  const { at, shape, strides, ...rest } = endpoint;
  return { ...rest, shape: [...shape], strides: [...strides], at: [at.buffer, at.offset] };
}

/** The widest first, so that each is aligned; then 32-bit integers before floats, as the format asks. */
function inOrder(tensors: readonly Named[]): StoredTensor[] {
  return tensors
    .map((tensor, i) => ({ ...tensor, i }))
    .sort(
      (a, b) =>
        b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT ||
        Number(isInteger32(b.type)) - Number(isInteger32(a.type)) ||
        a.i - b.i,
    )
    .map(({ name, type, data }) => ({ name, dtype: type, shape: [data.length], data }));
}
