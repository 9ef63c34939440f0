// Cloudflare's workerd, the binary itself.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Readable } from 'node:stream';

/** The binary's path. */
export const workerd = createRequire(import.meta.url)('workerd').default as string;

/** A server in a process of its own. */
export interface Server {
  url: string;
  child: ChildProcess;
}

/**
 * Starts workerd on a port of its own choice, with a folder's configuration file.
 * @throws Error with its output when it ends
 */
export async function serveWorkerd(folder: string): Promise<Server> {
  const child = spawn(workerd, ['serve', 'config.capnp', '--socket-addr=http=127.0.0.1:0', '--control-fd=3'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stdout!.resume();
  child.stderr!.on('data', (chunk) => (complaints += chunk));
  let said = '';
  for await (const chunk of child.stdio[3] as Readable) {
    said += chunk;
    const event = said.split('\n').find((line) => line.includes('"listen"'));
    if (event) return { url: `http://127.0.0.1:${(JSON.parse(event) as { port: number }).port}/`, child };
  }
  throw new Error(`workerd ended: ${complaints}`);
}
