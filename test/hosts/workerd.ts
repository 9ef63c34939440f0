// Cloudflare's workerd, the binary itself.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { build } from 'esbuild';

/** The binary's path. */
export const workerd = createRequire(import.meta.url)('workerd').default as string;

/** A server in a process of its own. */
export interface Server {
  url: string;
  child: ChildProcess;
}

/** Bundles a folder's worker.js as wrangler does (.wasm, and .filigree by a rule, are modules of their own), and serves it. */
export async function bundleForWorkerd(folder: string): Promise<Server> {
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints: ['worker.js'],
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    loader: { '.wasm': 'copy', '.filigree': 'copy' },
    outdir: 'out',
    metafile: true,
    logLevel: 'error',
  });
  const kinds = { js: 'esModule', wasm: 'wasm', filigree: 'data' } as Record<string, string>;
  const files = Object.keys(metafile.outputs).toSorted((a, b) => Number(b.endsWith('.js')) - Number(a.endsWith('.js')));
  const modules = files.map((file) => {
    return `(name = "${path.basename(file)}", ${kinds[file.split('.').at(-1)!]} = embed "${file}")`;
  });
  writeFileSync(
    path.join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [${modules.join(', ')}], compatibilityDate = "2026-11-01"))],
  sockets = [(name = "http", http = (), service = "main")],
);`,
  );
  return serveWorkerd(folder);
}

/**
 * Starts workerd on a port of its own choice, with a folder's configuration file.
 * @throws Error with its output when it ends
 */
export async function serveWorkerd(folder: string, ...flags: string[]): Promise<Server> {
  const child = spawn(
    workerd,
    ['serve', 'config.capnp', '--socket-addr=http=127.0.0.1:0', '--control-fd=3', ...flags],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    },
  );
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
