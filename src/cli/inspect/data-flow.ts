// Finds which layer reads what another layer wrote, from the records alone: a compiled model has no graph.
import type { Kernel, Table } from '../../program/kernel.ts';
import { fieldsOf, kernels } from '../../program/kernels.ts';
import { largestEntry } from '../../program/check.ts';
import { bufferSlack, endpointWords } from '../../program/layout.ts';
import type { Endpoint, Pointer, Program, Step } from '../../program/program.ts';

/** A layer by index, or an input or output by name. */
export type End = { layer: number } | { input: string } | { output: string };

export interface Flow {
  from: End;
  to: End;
}

/** Maximum number of bytes that kernels load and store past a value's end. */
const spill = 4 * bufferSlack;

/** A range of bytes in one buffer. */
interface Range {
  buffer: number;
  start: number;
  end: number;
}

/** A range that an end has written and that is not overwritten yet. */
type Written = Range & { by: End };

/**
 * The flow of activations between layers, each pair once, in the order in which layers run. Layers that are only views
 * of another layer's memory (a reshape, a concatenation of adjacent values) have no records and do not appear.
 */
export function dataFlow(program: Program): Flow[] {
  let written: Written[] = program.inputs.map((input) => ({ ...endpointRange(input), by: { input: input.name } }));
  const flows: Flow[] = [];
  const readBy = (to: End, reads: readonly Range[]) => {
    const from = new Set(written.filter((w) => reads.some((r) => overlap(w, r))).map(({ by }) => by));
    for (const end of from) flows.push({ from: end, to });
  };
  program.layers.forEach((_, layer) => {
    const to = { layer };
    const touched = program.steps.filter((step) => step.layer === layer).map((step) => ranges(step, program));
    const writes = touched.flatMap((step) => step.writes);
    const reads = touched.flatMap((step) => step.reads);
    readBy(to, reads);
    // A layer that works in place replaces what it reads. What it overlaps without reading may be another part of the value.
    const isReplaced = (w: Range) =>
      reads.some((r) => overlap(w, r)) && writes.some((own) => own.buffer === w.buffer && covers(own, w));
    written = written.filter((w) => !isReplaced(w));
    written.push(...writes.map((range) => ({ ...range, by: to })));
  });
  for (const output of program.outputs) readBy({ output: output.name }, [endpointRange(output)]);
  return flows;
}

const overlap = (a: Range, b: Range) => a.buffer === b.buffer && a.start < b.end && b.start < a.end;
/** Whether a covers b, ignoring bytes that vector stores spill past its end. */
const covers = (a: Range, b: Range) => a.start <= b.start && b.end <= a.end + spill;

function endpointRange(endpoint: Endpoint): Range {
  const { buffer, offset } = endpoint.at;
  return { buffer, start: offset, end: offset + 4 * endpointWords(endpoint) };
}

/** The arena ranges that a step reads and writes. */
function ranges(step: Step, program: Program): { reads: Range[]; writes: Range[] } {
  const { buffers } = program;
  const table = (field: string): Table => {
    const { buffer } = step.arguments[field] as Pointer;
    const home = buffers[buffer];
    if (home.kind !== 'constant') throw new Error(`${step.kernel}: ${field} is not a constant`);
    return { constant: home.constant, largest: largestEntry(program, home.constant) };
  };
  const row = kernels[step.kernel] as unknown as Kernel;
  const extents: Record<string, number> = row.extents(step.arguments as Record<string, number>, table);
  const found = { reads: [] as Range[], writes: [] as Range[] };
  for (const [field, kind] of fieldsOf(step.kernel)) {
    const value = step.arguments[field];
    if (typeof value === 'number' || buffers[value.buffer].kind !== 'arena') continue;
    const { buffer, offset: start } = value;
    const bytes = extents[field];
    if (kind === 'write') found.writes.push({ buffer, start, end: start + bytes });
    // vector loads reach past the end, but the layer does not use those bytes
    else found.reads.push({ buffer, start, end: start + Math.max(4, bytes - spill) });
  }
  return found;
}
