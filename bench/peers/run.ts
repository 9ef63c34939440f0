// Runs every runtime on every state. Each round of each is a separate process; they take turns.
import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { machine } from '../machine.ts';
import { runPeer } from '../../test/peers/index.ts';
import type { Peer, PeerOutput, PeerResult } from '../../test/peers/index.ts';
import { median } from '../measure.ts';
import { judge } from './compare.ts';
import { floorOf } from './floor.ts';
import type { Prepared } from './prepare.ts';
import { prepare } from './prepare.ts';
import type { ProfileResult } from './profile-process.ts';
import { BrowserHost, browsers } from './browser.ts';
import type { BrowserName } from './browser.ts';
import type { PeersReport, Runtime, RuntimeResult, Spread, StateResult } from './results.ts';
import { runtimeSizes } from './sizes.ts';
import type { NetworkState } from './states.ts';

export interface PeersOptions {
  states: readonly NetworkState[];
  runtimes: readonly Runtime[];
  rounds: number;
  iterations: number;
  /** For each process: duration of its warm-up, and maximum duration of its timing. */
  warmUpMs: number;
  timedMs: number;
  threads: number;
  /** Where runtimes run: processes of a Node, or pages of a browser. */
  host: 'node' | BrowserName;
  /** The Node that runs the processes. */
  node: string;
  /** Folder of models, which later runs reuse. */
  folder: string;
  /** Duration of the profile of each state, for its floor; 0: none. */
  profileMs: number;
  onProgress?: (what: string) => void;
}

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

const spread = (numbers: readonly number[]): Spread => ({ median: median(numbers), minimum: Math.min(...numbers) });

export async function comparePeers(options: PeersOptions): Promise<PeersReport> {
  const { states, runtimes, rounds, iterations, threads, node, host, folder, onProgress } = options;
  const date = new Date().toISOString();
  const bare: PeerResult[] = [];
  const results: StateResult[] = [];
  const activationBytes = new Map<string, Prepared['activationBytes']>();
  await mkdir(folder, { recursive: true });
  const pages = host === 'node' ? undefined : await BrowserHost.start(host);
  const browser = pages && { name: browsers[host as BrowserName].name, version: await pages.version() };
  try {
    for (const [i, state] of states.entries()) {
      const what = `${i + 1}/${states.length} ${state.id}`;
      onProgress?.(`${what}: preparing`);
      const tell = (detail: string) => onProgress?.(`${what}: ${detail}`);
      results.push(await compareOn(state, options, pages, bare, activationBytes, tell));
    }
  } finally {
    await pages?.close();
  }
  onProgress?.('profiling');
  const { stdout } = await run(node, ['-p', 'JSON.stringify(process.versions)']);
  const versions = JSON.parse(stdout) as { node: string; v8: string };
  const profile = await profileStates(results, activationBytes, options);
  onProgress?.('sizes');
  return {
    version: 1,
    date,
    machine: machine(),
    node: `v${versions.node}`,
    v8: versions.v8,
    ...(browser && { browser }),
    threads,
    rounds,
    iterations,
    ...(bare.length > 0 && {
      bare: {
        cold: spread(bare.map(({ msCold }) => msCold)),
        megabytes: spread(bare.map(({ megabytes }) => megabytes!)),
      },
    }),
    sizes: await runtimeSizes(runtimes),
    ...(profile && { peak: { build: profile.build, gflops: profile.gflops, memoryGbps: profile.memoryGbps } }),
    states: results,
  };
}

async function compareOn(
  state: NetworkState,
  { runtimes, rounds, node, folder, iterations, warmUpMs, timedMs, threads }: PeersOptions,
  pages: BrowserHost | undefined,
  bare: PeerResult[],
  activationBytes: Map<string, Prepared['activationBytes']>,
  onProgress: (what: string) => void,
): Promise<StateResult> {
  const chosen = runtimes.filter((runtime) => runtime === 'filigree' || state.peers.includes(runtime));
  const prepared = await prepare(state, chosen, folder);
  activationBytes.set(state.id, prepared.activationBytes);
  const collected = new Map<Peer, PeerResult[]>();
  const failures: StateResult['failures'] = {};
  for (let round = 0; round < rounds; round++) {
    if (!pages) bare.push(await runPeer('bare', '', [], { node }));
    for (const runtime of chosen) {
      if (failures[runtime]) continue;
      onProgress(`round ${round + 1}/${rounds}, ${runtime}`);
      try {
        const [file, input] = [prepared.files[runtime]!, prepared.inputs[runtime]!];
        const timing = { iterations, warmUpMs, timedMs, threads };
        const result = pages
          ? await pages.run(runtime, file, input, timing)
          : await runPeer(runtime, file, [input], { node, ...timing });
        collected.set(runtime, [...(collected.get(runtime) ?? []), result]);
      } catch (error) {
        if (runtime === 'filigree') throw error;
        failures[runtime] = firstError(error as Error & { stderr?: string });
        collected.delete(runtime);
      }
    }
  }
  onProgress('comparing outputs');
  const outputs = new Map<string, readonly PeerOutput[]>(
    [...collected].map(([runtime, [{ outputs }]]) => [runtime, outputs]),
  );
  const judged = judge(state, prepared, outputs);
  const measured = [...collected].map(([runtime, list]): [Peer, RuntimeResult] => [
    runtime,
    {
      run: {
        median: median(list.map(({ msMedian }) => msMedian!)),
        minimum: Math.min(...list.map(({ msMinimum }) => msMinimum!)),
      },
      cold: spread(list.map(({ msCold }) => msCold)),
      ...(pages ? {} : { megabytes: spread(list.map(({ megabytes }) => megabytes!)) }),
      rounds: list.map(({ msMedian }) => msMedian!),
      ...judged.get(runtime)!,
    },
  ]);
  const { id, title, zeros, dense, caution } = state;
  return { id, title, zeros, dense, caution, runtimes: Object.fromEntries(measured), failures };
}

/** The line of a peer's own output that says what went wrong. */
function firstError({ stderr, message }: Error & { stderr?: string }): string {
  const lines = (stderr ?? message).split('\n').map((line) => line.trim());
  return (lines.find((line) => /error/i.test(line)) ?? lines[0] ?? message).slice(0, 200);
}

/** Adds each state's floor; returns the peak that it is based on. */
async function profileStates(
  results: StateResult[],
  activationBytes: ReadonlyMap<string, Prepared['activationBytes']>,
  { node, folder, profileMs }: PeersOptions,
): Promise<ProfileResult | undefined> {
  if (profileMs === 0) return undefined;
  const file = path.join(folder, 'profile.json');
  const artifacts = results.map(({ id }) => path.join(folder, `${id}.filigree`));
  const script = ['scripts/run.mjs', 'bench/peers/profile-process.ts', file, String(profileMs)];
  await run(node, [...script, ...artifacts], { cwd: root, maxBuffer: 2 ** 24 });
  const profile = JSON.parse(await readFile(file, 'utf8')) as ProfileResult;
  results.forEach((result, i) => {
    result.floor = floorOf(profile.layers[i], activationBytes.get(result.id)!, profile.gflops, profile.memoryGbps);
  });
  return profile;
}
