import { expect, it } from 'vitest';
import { compileModel } from '../../src/compile.ts';

it('says what it wanted when it does not get bytes', () => {
  for (const [given, found] of [
    [undefined, 'undefined'],
    ['model.tflite', 'String'],
    [new ArrayBuffer(8), 'ArrayBuffer'],
  ]) {
    expect(() => compileModel(given as never)).toThrow(
      expect.objectContaining({
        code: 'invalid-argument',
        message: `model: wanted the file's bytes, a Uint8Array; got ${found}`,
      }),
    );
  }
});
