/** What Vite defines. */
interface ImportMeta {
  readonly env: { readonly PROD: boolean };
}
