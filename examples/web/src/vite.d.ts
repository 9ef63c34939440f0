/** Vite gives a file's URL. */
declare module '*?url' {
  const url: string;
  export default url;
}

/** What Vite defines. */
interface ImportMeta {
  readonly env: { readonly PROD: boolean };
}
