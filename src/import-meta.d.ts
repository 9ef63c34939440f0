interface ImportMeta {
  /** True in bundles that do not divide work among threads. They leave out the axes of kernels (scripts/bundle.mjs). */
  readonly oneThread?: boolean;
  /** In modules that name a model of the package, as built: the digest of its bytes (scripts/hosts.mjs). */
  readonly integrity?: string;
}
