/** What went wrong, for programs. The message says it for people. */
export type FiligreeErrorCode =
  | 'invalid-argument' // a call with a wrong value: shape, dtype, option
  | 'invalid-model' // a file that is not what it claims to be: truncated, dangling, out of range
  | 'unsupported' // a valid model that needs something Filigree does not have
  | 'invalid-image' // bytes that are not a picture we can decode
  | 'not-found' // a file or URL that is not there
  | 'environment' // the host lacks something: SIMD, memory, a package
  | 'disposed'; // use after dispose()

/** Every error Filigree throws on purpose. `message` names what and where, what was found and what was wanted. */
export class FiligreeError extends Error {
  readonly code: FiligreeErrorCode;

  /** True for errors of any entry point: `filigree` and `filigree/compile` are bundles with a class each. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'FiligreeError' && 'code' in value;
  }

  constructor(code: FiligreeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FiligreeError';
    this.code = code;
  }
}
