// `compile --explain`: a table of a layer's candidates.
import type { Explanation } from '../../compile/tuning/explain.ts';
import { formatTable } from '../table.ts';

/** One candidate per line, the fastest predicted one first; an arrow marks the chosen one. */
export function formatExplanation({ layer, candidates, chosen, build, rounds }: Explanation): string {
  const rows = candidates.map(({ name, isDense, ms, measuredMs, medianMs }) => [
    chosen.includes(name) ? '→' : ' ',
    name,
    isDense ? 'dense' : 'sparse',
    ...[ms, measuredMs, medianMs].map((time) => time.toFixed(4)),
  ]);
  const header = [' ', 'kernel', 'weights', 'predicted ms', 'measured ms', 'median ms'];
  return (
    `${layer}\n${formatTable(header, rows)}` +
    `predicted for the product alone, on the machine of the cost model; measured in the whole network: the least and the median of ${rounds} runs of the ` +
    `layer, ${build} build\n`
  );
}
