interface ImportMeta {
  /** True in bundles that divide no work among threads: ways to do so are left out of them (scripts/bundle.mjs). */
  readonly oneThread?: boolean;
}
