// Types of imported models, for projects whose bundler takes them along: "types": ["filigree/client"] in tsconfig.json, or
// /// <reference types="filigree/client" />

/**
 * The model's bytes: workers of Cloudflare (rules of type Data), Bun, esbuild and Deno (`with { type: 'bytes' }`), other
 * bundlers by their settings.
 */
declare module '*.filigree' {
  const model: Uint8Array<ArrayBuffer> | ArrayBuffer;
  export default model;
}

/** Where the model is served: Vite. */
declare module '*.filigree?url' {
  const url: string;
  export default url;
}
