// Modules of src/ whose place others take where a host is not like Node.
import { fileURLToPath } from 'node:url';

/** Puts another module of src/ in a module's place. */
export const replace = (name, other) => ({
  name: 'replace',
  setup({ onResolve }) {
    const path = fileURLToPath(new URL(`../src/${other}.ts`, import.meta.url));
    onResolve({ filter: new RegExp(`/${name}\\.ts$`) }, () => ({ path }));
  },
});

/** For `browser`, `workerd` or `edge-light`: its own way to the wasm takes the place of the files, and its threads. */
export const replacements = (host) => [
  replace('wasm-files', `hosts/${host}`),
  host === 'browser' ? replace('thread-host', 'hosts/browser-threads') : replace('team', 'hosts/no-threads'),
];
