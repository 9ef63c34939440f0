import { noise } from '../../compile/tuning/noise.ts';
import { Command, Option } from 'commander';
import type { Model } from '../../runtime/model.ts';
import type { LayerProfile } from '../../runtime/layer-profile.ts';
import type { WasmBuild } from '../../runtime/probe.ts';
import { ProgressLine, writeJson, type Io } from '../io.ts';
import { openModel, withRunOptions, type ModelOptions } from '../models.ts';
import { count } from '../options.ts';
import { kernelList } from '../layer-report.ts';
import { formatMs, formatPercent, formatTable } from '../table.ts';

interface Options extends ModelOptions {
  runs: number;
  build?: WasmBuild;
  json?: boolean;
}

export function profileCommand(io: Io): Command {
  const command = new Command('profile')
    .description('Time each layer of a model, on seeded random input.')
    .argument('<model>', 'a model: .filigree, ONNX or TFLite')
    .option('-r, --runs <count>', 'timed runs, after as many warm-up runs', count, 50)
    .addOption(
      new Option('--build <name>', 'the WebAssembly build (default: the best this host runs)').choices([
        'simd',
        'relaxed',
      ]),
    )
    .option('--json', 'print JSON');
  return withRunOptions(command).action((path: string, options: Options) => profile(io, path, options));
}

async function profile(io: Io, path: string, options: Options): Promise<void> {
  const { runs, json } = options;
  const progress = new ProgressLine(io);
  const model = await openModel(path, progress, options);
  try {
    progress.show(`${runs} runs`);
    const layers = await model.profile(noise(model), { runs });
    const threaded = model.info.threads > 1 ? await medianRun(model, runs) : undefined;
    progress.clear();
    const ms = layers.reduce((sum, layer) => sum + layer.ms, 0);
    const sparseLayers = layers.filter(isSparse).length;
    if (json)
      writeJson(io, {
        model: path,
        build: model.info.build,
        runs,
        ms,
        sparseLayers,
        layers,
        threads: model.info.threads,
        threaded,
      });
    else {
      io.stdout.write(asTable(layers, ms, sparseLayers, model, runs));
      if (threaded) {
        io.stdout.write(
          `${formatMs(threaded)} on ${model.info.threads} threads, ${(ms / threaded).toFixed(2)} times as fast\n`,
        );
      }
      for (const note of model.info.notes) io.stdout.write(`${note}\n`);
    }
  } finally {
    progress.clear();
    model.dispose();
  }
}

/** Median milliseconds of whole runs, on all threads; layers are timed on one. */
async function medianRun(model: Model, runs: number): Promise<number> {
  const inputs = noise(model);
  const times: number[] = [];
  for (let i = 0; i < 2 * runs; i++) {
    const start = performance.now();
    await model.run(inputs);
    if (i >= runs) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[runs >> 1];
}

function isSparse({ kernels }: LayerProfile): boolean {
  return kernels.some((kernel) => /spmm|sparse/.test(kernel));
}

function asTable(layers: LayerProfile[], ms: number, sparseLayers: number, model: Model, runs: number): string {
  const rows = layers.map((layer) => [
    layer.name,
    layer.op,
    layer.shape.join('×'),
    kernelList(layer.kernels),
    layer.sparsity === undefined ? '–' : formatPercent(layer.sparsity),
    layer.ms.toFixed(3),
    formatPercent(layer.ms / ms),
    layer.macs > 0 ? layer.gflops.toFixed(1) : '–',
  ]);
  return (
    `${formatTable(['layer', 'op', 'shape', 'kernels', 'zeros', 'ms', 'share', 'GFLOP/s'], rows)}\n` +
    `${formatMs(ms)} in ${layers.length} layers, ${sparseLayers} of them on sparse kernels ` +
    `(means of ${runs} runs without the slowest quarter, ${model.info.build} build)\n`
  );
}
