/** Wasm of the loops that measure a device's peak: see build.mjs. */
declare module 'peak:*' {
  const bytes: Uint8Array;
  export default bytes;
}

declare module '*.txt' {
  const text: string;
  export default text;
}
