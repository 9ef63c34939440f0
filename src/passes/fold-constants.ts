import { isGraphOutput } from '../graph/edit.ts';
import { evaluateNode } from '../graph/evaluate.ts';
import { valueOf } from '../graph/graph.ts';
import { elementCount } from '../tensor.ts';
import { evaluationWork, spend } from '../graph/folding-budget.ts';
import { type Pass, rewriteEach, shapeOf } from './match.ts';

/** A result may have this many elements even when its inputs have fewer. */
const smallResult = 65536;

/**
 * Evaluates nodes that depend on constants only. Some stay computed at run time: graph outputs, results that are large and
 * larger than their inputs, and evaluations that would take too long.
 */
export const foldConstants: Pass = (graph) =>
  rewriteEach(graph, (node) => {
    const inputs = node.inputs.filter((name) => name !== '');
    if (inputs.length === 0 || !inputs.every((name) => valueOf(graph, name).data)) return false;
    if (node.outputs.some((name) => isGraphOutput(graph, name))) return false;
    const count = (names: string[]) => names.reduce((sum, name) => sum + elementCount(shapeOf(graph, name)), 0);
    if (count(node.outputs) > Math.max(smallResult, count(inputs))) return false;
    const work = evaluationWork(graph, node);
    if (!spend(graph, 'work', work) || !spend(graph, 'elements', count(node.outputs))) return false;
    const results = evaluateNode(graph, node, new Map());
    node.outputs.forEach((name, i) => {
      valueOf(graph, name).data = results[i].data.slice();
    });
    graph.nodes.splice(graph.nodes.indexOf(node), 1);
    return true;
  });
