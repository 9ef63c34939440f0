// Threads for Node, Deno, Bun and unbundled modules. src/hosts/ replaces this module elsewhere (scripts/build.mjs).
import type { ThreadHost } from './host.ts';

/** The host's threads, or why it has none. */
export async function threadHost(): Promise<ThreadHost | string> {
  const threads = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');
  if (threads) return (await import('./node.ts')).nodeHost;
  return (await import('./web.ts')).webHost();
}
