import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { defineConfig, type Plugin } from 'vite';

/** Headers that give pages shared memory, and so threads. On hosts that cannot send them, the service worker does. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Writes sw.js with the list of all files, so that the page works offline after its first load. */
function serviceWorker(): Plugin {
  let publicDir: string;
  return {
    name: 'service-worker',
    apply: 'build',
    configResolved: (config) => void (publicDir = config.publicDir),
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const shown = readdirSync(publicDir, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => path.relative(publicDir, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'));
        const files = ['./', ...shown, ...Object.keys(bundle).filter((name) => name !== 'index.html')].sort();
        const hash = createHash('sha256');
        for (const file of shown) hash.update(readFileSync(path.join(publicDir, file)));
        for (const [name, item] of Object.entries(bundle))
          hash.update(name).update(item.type === 'chunk' ? item.code : item.source);
        const source = readFileSync(path.join(import.meta.dirname, 'service-worker.js'), 'utf8')
          .replace('__VERSION__', hash.digest('hex').slice(0, 12))
          .replace("['__FILES__']", JSON.stringify(files));
        this.emitFile({ type: 'asset', fileName: 'sw.js', source });
      },
    },
  };
}

// Models that the package brings for their names, as the page has its own, packed; the package's worker, as the page has its own.
const unused = /\.filigree$|detector-worker-[\w-]+\.js$/;

/** Leaves out files that the page never loads. */
function leaveOutUnused(): Plugin {
  return {
    name: 'leave-out-unused',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        for (const name of Object.keys(bundle)) if (unused.test(name)) delete bundle[name];
      },
    },
  };
}

export default defineConfig({
  base: './',
  build: { target: 'es2022', modulePreload: { polyfill: false } },
  worker: { format: 'es' },
  server: { headers },
  preview: { headers },
  plugins: [leaveOutUnused(), serviceWorker()],
});
