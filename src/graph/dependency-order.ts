/**
 * The roots and everything that they depend on, each after its dependencies; roots in the order given. `dependencies` is
 * called once for each node that the walk reaches. `onCycle` receives the nodes of a cycle, each followed by one that it
 * depends on, and throws.
 */
export function dependencyOrder<T>(
  roots: Iterable<T>,
  dependencies: (node: T) => Iterable<T>,
  onCycle: (cycle: T[]) => never,
): T[] {
  const state = new Map<T, 'open' | 'done'>();
  const sorted: T[] = [];
  // Depth first without recursion, because networks are deeper than the stack.
  const path: { node: T; rest: Iterator<T> }[] = [];
  const enter = (node: T) => {
    state.set(node, 'open');
    path.push({ node, rest: dependencies(node)[Symbol.iterator]() });
  };
  for (const root of roots) {
    if (!state.has(root)) enter(root);
    while (path.length > 0) {
      const top = path[path.length - 1];
      const { done, value } = top.rest.next();
      if (done) {
        state.set(top.node, 'done');
        sorted.push(top.node);
        path.pop();
      } else if (state.get(value) === 'open') {
        onCycle(path.slice(path.findIndex(({ node }) => node === value)).map(({ node }) => node));
      } else if (!state.has(value)) enter(value);
    }
  }
  return sorted;
}
