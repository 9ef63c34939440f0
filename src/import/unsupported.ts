// The one error that lists all that a file has and Filigree does not support.
import { FiligreeError } from '../errors.ts';

export interface Problem {
  /** `"/model.22/Resize"`, the name of a node. */
  name: string;
  operator: string;
  reason: string;
}

/** Nodes of one group that are named. */
const named = 3;

/** What to do about an operator, where there is something to do. */
const advice: readonly [operators: RegExp, text: string][] = [
  [
    /^(NonMaxSuppression|NON_MAX_SUPPRESSION_V[45]|ScatterND|SCATTER_ND|NonZero|WHERE|CUSTOM \(TFLite_Detection_PostProcess\))$/,
    'export the model without non-maximum suppression (Ultralytics: nms=False): detectors here do it themselves',
  ],
  [
    /^CUSTOM \((edgetpu-custom-op|ethos-u)\)$/,
    'use the file from before it was compiled for that chip (by edgetpu_compiler or Vela): this one holds machine code of it',
  ],
  [
    /^(Loop|If|Scan|IF|WHILE|CALL_ONCE)$/,
    'export the model without control flow: for one fixed input size, with branches resolved',
  ],
];

/**
 * One line for each operator and reason, in the order of the file.
 * @param noun what the file calls its parts: `node`, `operator`
 */
export function unsupportedError(file: string, noun: string, problems: readonly Problem[]): FiligreeError {
  const groups = new Map<string, Problem[]>();
  for (const problem of problems) {
    const key = `${problem.operator}: ${problem.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), problem]);
  }
  const lines = [...groups.values()].map((group) => {
    const [{ name, operator, reason }] = group;
    if (group.length === 1) return `${noun} ${name} (${operator}): ${reason}`;
    const rest = group.length > named ? ` and ${group.length - named} more` : '';
    const names = group.slice(0, named).map((problem) => problem.name);
    return `${group.length} ${noun}s (${operator}): ${reason}: ${names.join(', ')}${rest}`;
  });
  for (const [operators, text] of advice) {
    if (problems.some(({ operator }) => operators.test(operator))) lines.push(`What to do: ${text}`);
  }
  const count = problems.length === 1 ? `1 ${noun} is` : `${problems.length} ${noun}s are`;
  return new FiligreeError('unsupported', `${file}: ${count} not supported:\n  ${lines.join('\n  ')}`);
}
