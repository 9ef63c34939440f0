// Which nodes of a file are translated, in which order.
import type { OnnxModel, OnnxNode } from './schema.ts';
import { nodeTitle, type Translation } from './translation.ts';

/**
 * The nodes that outputs depend on, each after those whose results it reads. Files are in that order already as a rule.
 * @throws FiligreeError `invalid-model` for tensors with two makers or none, and for cycles.
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

  const state = new Map<OnnxNode, 'open' | 'done'>();
  const needed = new Set<OnnxNode>();
  const sorted: OnnxNode[] = [];
  // Depth first without recursion: networks are deeper than stacks.
  const path: { node: OnnxNode; next: number }[] = [];
  const enter = (node: OnnxNode) => {
    state.set(node, 'open');
    needed.add(node);
    path.push({ node, next: 0 });
  };
  for (const { name } of model.outputs) {
    const root = makers.get(name);
    if (!root || state.has(root)) continue;
    enter(root);
    while (path.length > 0) {
      const top = path[path.length - 1];
      if (top.next === top.node.inputs.length) {
        state.set(top.node, 'done');
        sorted.push(top.node);
        path.pop();
        continue;
      }
      const input = top.node.inputs[top.next++];
      const maker = makers.get(input);
      if (!maker) {
        if (input === '' || given.has(input) || isStored(input)) continue;
        translation.fail(`${nodeTitle(top.node)} reads "${input}", which no node, input or initializer gives`);
      } else if (state.get(maker) === 'open') {
        const cycle = path.slice(path.findIndex(({ node }) => node === maker)).map(({ node }) => nodeTitle(node));
        translation.fail(`nodes need each other's results: ${[...cycle, cycle[0]].join(' reads from ')}`);
      } else if (!state.has(maker)) enter(maker);
    }
  }
  // The file's own order where it is one.
  const places = new Map(model.nodes.map((node, i) => [node, i]));
  const inFileOrder = model.nodes.filter((node) => needed.has(node));
  const isOrdered = inFileOrder.every((node) =>
    node.inputs.every((input) => !makers.has(input) || places.get(makers.get(input)!)! < places.get(node)!),
  );
  return isOrdered ? inFileOrder : sorted;
}
