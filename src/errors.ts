/** The kind of error, for programs. The message is for people. */
export type FiligreeErrorCode =
  | 'invalid-argument' // a call with a wrong value: shape, dtype, option
  | 'invalid-model' // a file that contradicts itself: truncated, dangling, out of range
  | 'unsupported' // a valid model that needs something Filigree does not have
  | 'invalid-image' // bytes that Filigree cannot decode as a picture
  | 'not-found' // a file or URL that is not there
  | 'environment' // the host lacks something: SIMD, memory, a package
  | 'disposed'; // use after dispose()

/** Every error that Filigree throws on purpose. `message` says what is wrong and where, what was found and what was wanted. */
export class FiligreeError extends Error {
  readonly code: FiligreeErrorCode;

  /** True for errors of every entry point. `filigree` and `filigree/compile` are separate bundles, each with its own class. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'FiligreeError' && 'code' in value;
  }

  constructor(code: FiligreeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FiligreeError';
    this.code = code;
  }
}
