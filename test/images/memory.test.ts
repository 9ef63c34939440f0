// Memory that decoders keep after broken pictures: they must not fill the memory of a server.
import { expect, it } from 'vitest';
import { decodeImage, encodePng } from '../../src/images/decode.ts';
import { jpegOf, paint, webpOf } from './pictures.ts';

/** Memories of all instances that are made from here on. */
const memories: WebAssembly.Memory[] = [];
const note = ({ exports }: WebAssembly.Instance) =>
  void memories.push(...Object.values(exports).filter((e) => e instanceof WebAssembly.Memory));
const { instantiate, Instance } = WebAssembly;
WebAssembly.instantiate = (async (source: never, imports: never) => {
  const result = (await instantiate.call(WebAssembly, source, imports)) as object;
  note('instance' in result ? (result.instance as WebAssembly.Instance) : (result as WebAssembly.Instance));
  return result;
}) as never;
WebAssembly.Instance = new Proxy(Instance, {
  construct(target, [module, imports]: ConstructorParameters<typeof Instance>) {
    const instance = new target(module, imports);
    note(instance);
    return instance;
  },
});

it('broken pictures take no more memory the more there are', async () => {
  const noise = paint(256, 256, (x, y) => [(x * y) & 255, (x * 37 + y * 91) & 255, x & y, 255]);
  const png = await encodePng({ ...noise, channels: 4 });
  for (const bytes of [await jpegOf(noise), png, await webpOf(noise)]) {
    const bad = [bytes.subarray(0, bytes.length >> 1), bytes.map((byte, i) => (i > 100 && i < 900 ? byte ^ 85 : byte))];
    let refused = 0;
    for (let i = 0; i < 100; i++) await decodeImage(bad[i % 2]).catch(() => refused++);
    expect(refused).toBeGreaterThanOrEqual(50);
    expect((await decodeImage(bytes)).width).toBe(256);
  }
  // 16 MiB is what codecs by emscripten begin with; each broken PNG would leave half a megabyte
  expect(memories.length).toBeGreaterThan(3);
  expect(Math.max(...memories.map(({ buffer }) => buffer.byteLength))).toBeLessThanOrEqual(17 << 20);
});
