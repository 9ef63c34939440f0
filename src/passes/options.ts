import type { Graph } from '../graph/graph.ts';

export interface OptimiseOptions {
  /** Verifies the graph after every pass that changed it, so that an error names the pass. Default: once, at the end. */
  check?: boolean;
  /** Leaves what changes the values that an integer program rounds: spelled-out activations, residuals. Default false. */
  integers?: boolean;
  /** Called with the name of each pass that changed the graph, after the change. */
  onPass?: (name: string, graph: Graph) => void;
}
