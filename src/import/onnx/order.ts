// The nodes of a file to translate, in order.
import { dependencyOrder } from '../../graph/dependency-order.ts';
import type { OnnxModel, OnnxNode } from './schema.ts';
import { nodeTitle, type Translation } from './translation.ts';

/**
 * The nodes that outputs depend on, each after those whose results it reads. Most files are in that order already.
 * @throws FiligreeError `invalid-model` for cycles, and for tensors made by two nodes or by none.
 */
export function orderNodes(model: OnnxModel, translation: Translation): OnnxNode[] {
  const makers = new Map<string, OnnxNode>();
  const given = new Set(model.inputs.map(({ name }) => name));
  const isStored = (name: string) => model.initializers.has(name) || model.sparseInitializers.has(name);
  for (const node of model.nodes) {
    for (const output of node.outputs) {
      if (output === '') continue;
      const before = makers.get(output);
      const other = before ? nodeTitle(before) : given.has(output) ? 'an input' : isStored(output) && 'an initializer';
      if (other) translation.fail(`${nodeTitle(node)} makes "${output}", which ${other} gives already`);
      makers.set(output, node);
    }
  }

  function* readFrom(node: OnnxNode): Generator<OnnxNode> {
    for (const input of node.inputs) {
      const maker = makers.get(input);
      if (maker) yield maker;
      else if (input !== '' && !given.has(input) && !isStored(input)) {
        translation.fail(`${nodeTitle(node)} reads "${input}", which no node, input or initializer gives`);
      }
    }
  }
  const roots = model.outputs.map(({ name }) => makers.get(name)).filter((node) => node !== undefined);
  const sorted = dependencyOrder(roots, readFrom, (nodes) => {
    const cycle = nodes.map(nodeTitle);
    return translation.fail(`nodes need each other's results: ${[...cycle, cycle[0]].join(' reads from ')}`);
  });
  const needed = new Set(sorted);
  // Keeps the file's own order if it is valid.
  const places = new Map(model.nodes.map((node, i) => [node, i]));
  const inFileOrder = model.nodes.filter((node) => needed.has(node));
  const isOrdered = inFileOrder.every((node) =>
    node.inputs.every((input) => !makers.has(input) || places.get(makers.get(input)!)! < places.get(node)!),
  );
  return isOrdered ? inFileOrder : sorted;
}
