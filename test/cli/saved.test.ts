import { describe, expect, it } from 'vitest';
import { writeArtifact } from '../../src/artifact/write.ts';
import { reportLayers, reportProgram } from '../../src/cli/layer-report.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import { weightTypes } from '../../src/compile/rounding.ts';
import { GraphBuilder } from '../graphs.ts';
import { forced } from '../program.ts';

function network() {
  const g = new GraphBuilder(5);
  let x = g.conv2d(g.input([1, 3, 17, 15]), 13, 3, { stride: [2, 2] });
  x = g.conv2d(x, 13, 3, { groups: 13 });
  x = g.conv2d(x, 330, 1);
  return g.finish(g.conv2d(x, 20, 1));
}

describe.each(weightTypes)('the size of weights saved as %s', (weights) => {
  it.each(['dense', 1, 4] as const)('adds up to the file: %s', (encoding) => {
    const program = lowerGraph(network(), forced[encoding], { weights });
    const artifact = writeArtifact(program);
    const header = 8 + Number(new DataView(artifact.buffer).getBigUint64(0, true));
    const layers = reportLayers(program);
    const report = reportProgram(program, layers);
    expect(report.constantBytes).toBe(artifact.length - header);
    const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
    expect(sum(Object.values(report.parts))).toBe(report.constantBytes);
    expect(sum(Object.values(report.bytesByType))).toBe(report.constantBytes);
    expect(sum(layers.map(({ bytes }) => bytes))).toBe(report.constantBytes);
    // the last but one is large enough for four bits; depthwise weights are floats
    const float = weights === 'f32' ? 'f32' : 'f16';
    expect(layers.map(({ savedAs }) => savedAs)).toEqual([
      [weights === 'int4' ? 'int8' : weights],
      [float],
      [weights],
      [weights],
    ]);
    const sparse = encoding !== 'dense';
    for (const { parts } of layers.filter((_, i) => i !== 1)) {
      expect(parts.gaps > 0).toBe(sparse);
      expect(parts.scales > 0).toBe(weights.startsWith('int'));
    }
  });
});

it('counts the bytes of a plain network', () => {
  const { bytesByType } = reportProgram(lowerGraph(network(), defaultCostModel), []);
  expect(Object.keys(bytesByType)).toEqual(['f32']);
});
