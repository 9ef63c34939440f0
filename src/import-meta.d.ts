interface ImportMeta {
  /** True in bundles that divide no work among threads: ways to do so are left out of them (scripts/bundle.mjs). */
  readonly oneThread?: boolean;
  /** In modules that name a model of the package, as built: the digest of its bytes (scripts/hosts.mjs). */
  readonly integrity?: string;
}
