import { afterEach, describe, expect, it } from 'vitest';
import { prefersWideTiles } from '../../src/runtime/engine.ts';

describe('prefersWideTiles', () => {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'Float16Array');
  afterEach(() => {
    if (own) Object.defineProperty(globalThis, 'Float16Array', own);
    else Reflect.deleteProperty(globalThis, 'Float16Array');
  });

  it('says yes for engines with Float16Array', () => {
    Object.defineProperty(globalThis, 'Float16Array', { value: Float32Array, configurable: true });
    expect(prefersWideTiles()).toBe(true);
  });

  it('says no for engines without it', () => {
    Reflect.deleteProperty(globalThis, 'Float16Array');
    expect(prefersWideTiles()).toBe(false);
  });
});
