// Runs networks with the package and gives the bits of all outputs, in any host. Plain JavaScript, because hosts run it
// unchanged.

const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

function base64Of(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(text);
}

const arrays = {
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
};

/**
 * @param filigree exports of the package
 * @param cases each with `name`, `model` (the file's bytes) and `feeds` (dtype, shape and bytes by input), bytes in base64
 * @returns of each case, by build: dtype and bytes of each output, or the code of what was thrown
 */
export async function numbers({ loadModel, Tensor }, cases) {
  const results = {};
  for (const { name, model: file, feeds } of cases) {
    results[name] = {};
    const inputs = Object.fromEntries(
      Object.entries(feeds).map(([input, { dtype, shape, bytes }]) => [
        input,
        new Tensor(dtype, shape, new arrays[dtype](bytesOf(bytes).buffer)),
      ]),
    );
    for (const build of ['simd', 'relaxed']) {
      try {
        const model = await loadModel(bytesOf(file), { build });
        const outputs = await model.run(inputs);
        model.dispose();
        globalThis.gc?.(); // an emulator pays for each memory that is reserved
        results[name][build] = Object.fromEntries(
          Object.entries(outputs).map(([output, { dtype, shape, data }]) => [
            output,
            { dtype, shape, bytes: base64Of(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) },
          ]),
        );
      } catch (error) {
        results[name][build] = `${error.code}: ${error.message} ${error.cause ?? ''}`;
      }
    }
  }
  return results;
}
