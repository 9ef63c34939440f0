import { measure } from './running.ts';

interface TfliteTensor {
  shape: string;
  data(): Float32Array;
}

interface Runner {
  getInputs(): TfliteTensor[];
  getOutputs(): TfliteTensor[];
  infer(): boolean;
}

interface Client {
  tflite_web_api: { setWasmPath(path: string): void };
  TFLiteWebModelRunner: { create(model: ArrayBuffer, options: { numThreads: number }): Promise<Runner> };
}

function script(src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement('script'), { src });
    element.addEventListener('load', () => resolve());
    element.addEventListener('error', () => reject(new Error(`no ${src}`)));
    document.head.append(element);
  });
}

measure(async (file, input, threads) => {
  // it takes its build with threads wherever there is shared memory
  if (threads === 1) delete (globalThis as { SharedArrayBuffer?: unknown }).SharedArrayBuffer;
  await script('/tflite/tflite_web_api_client.js');
  const { tflite_web_api: api, TFLiteWebModelRunner } = (globalThis as unknown as { tfweb: Client }).tfweb;
  api.setWasmPath('/tflite/');
  const runner = await TFLiteWebModelRunner.create(await (await fetch(file)).arrayBuffer(), { numThreads: threads });
  runner.getInputs()[0].data().set(input);
  return {
    run() {
      if (!runner.infer()) throw new Error('inference failed');
    },
    outputs: () =>
      runner
        .getOutputs()
        .map((tensor) => ({ shape: tensor.shape.split(',').map(Number), data: tensor.data().slice() })),
  };
});
