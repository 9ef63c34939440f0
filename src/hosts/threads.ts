// `#threads` for Node, Deno, Bun and unbundled modules.
import type { ThreadHost } from '../runtime/threads/host.ts';

export { formTeam } from '../runtime/threads/team.ts';

/** The host's threads, or why it has none. */
export async function threadHost(): Promise<ThreadHost | string> {
  const threads = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');
  if (threads) return (await import('../runtime/threads/node.ts')).nodeHost;
  return (await import('../runtime/threads/web.ts')).webHost();
}
