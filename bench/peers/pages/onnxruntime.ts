import * as ort from 'onnxruntime-web/wasm';
import { measure } from './running.ts';

measure(async (file, input, threads) => {
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = '/onnxruntime/';
  const bytes = new Uint8Array(await (await fetch(file)).arrayBuffer());
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const [{ name, shape }] = session.inputMetadata as unknown as { name: string; shape: number[] }[];
  const feeds = { [name]: new ort.Tensor('float32', input, shape) };
  let results: Awaited<ReturnType<typeof session.run>>;
  return {
    run: async () => void (results = await session.run(feeds)),
    outputs: () =>
      session.outputNames.map((output) => ({
        shape: results[output].dims,
        data: results[output].data as Float32Array,
      })),
  };
});
