// A model that always gives the same outputs, and records vision's calls.
import type { KernelName } from '../../src/program/kernels.ts';
import { rowMajorStrides } from '../../src/program/layout.ts';
import type { Endpoint } from '../../src/program/program.ts';
import type { Session } from '../../src/runtime/session.ts';
import type { Tensor } from '../../src/tensor.ts';
import type { TensorDescription } from '../../src/vision/fields.ts';
import type { ImageModel } from '../../src/vision/model.ts';
import type { Preprocessing } from '../../src/vision/preprocessing.ts';

export interface FakeModel extends ImageModel {
  disposals: number;
  /** How each image was passed in, from the kernel's arguments. */
  readonly seen: Preprocessing[];
  /** How often each output was read. */
  readonly reads: Record<string, number>;
}

/** What happens besides: outputs that lie in place at `address`, or time that passes. */
export interface FakeEvents {
  inPlace?: (name: string) => Float32Array | undefined;
  /** A kernel runs; its scratch is at the start of `scratch`. */
  call?: (kernel: KernelName, numbers: Readonly<Record<string, number>>, scratch: Uint8Array) => void;
  run?: () => void;
}

export function fakeModel(
  description: Pick<ImageModel, 'name' | 'inputs' | 'outputs' | 'metadata'>,
  outputs: Record<string, Pick<Tensor, 'data'>>,
  { inPlace, call, run }: FakeEvents = {},
): FakeModel {
  const seen: Preprocessing[] = [];
  const reads: Record<string, number> = {};
  let scratch = new Uint8Array();
  const fake: FakeModel = {
    ...description,
    disposals: 0,
    seen,
    reads,
    async session(use) {
      const session: Session = {
        name: fake.name,
        inputs: fake.inputs.map(endpoint),
        outputs: fake.outputs.map(endpoint),
        view: ({ name }) => ({
          address: 0,
          inPlace: inPlace?.(name),
          read() {
            reads[name] = (reads[name] ?? 0) + 1;
            return (outputs[name].data as Float32Array).slice();
          },
          write() {},
        }),
        scratch: (bytes) => (scratch = new Uint8Array(bytes)),
        call(kernel, numbers) {
          if (kernel === 'f32_image') seen.push(preprocessingOf(numbers as Record<string, number>));
          call?.(kernel, numbers as Record<string, number>, scratch);
        },
        run(read) {
          run?.();
          return read();
        },
      };
      return use(session);
    },
    dispose() {
      this.disposals++;
    },
  };
  return fake;
}

function endpoint({ name, dtype, shape }: TensorDescription): Endpoint {
  return { name, dtype, shape, strides: rowMajorStrides(shape), at: { buffer: 0, offset: 0 } };
}

/** For images of another aspect ratio than the input. */
function preprocessingOf(n: Record<string, number>): Preprocessing {
  const fills = n.toWidth === n.width && n.toHeight === n.height;
  const centred = n.left > 0 || n.top > 0;
  return {
    width: n.width,
    height: n.height,
    resize: fills ? 'stretch' : centred ? 'letterbox' : 'letterbox-top-left',
    padValue: n.pad,
    scale: [n.scale0, n.scale1, n.scale2],
    offset: [n.offset0, n.offset1, n.offset2],
    order: n.reverse ? 'BGR' : 'RGB',
    ...(!n.antialias && { antialias: false }),
  };
}

/** A `performance.now()` that advances only for images, by 1 ms, and runs, by 2 ms. */
export function standingClock(): { now: () => number; events: FakeEvents } {
  let time = 0;
  return { now: () => time, events: { call: () => (time += 1), run: () => (time += 2) } };
}
