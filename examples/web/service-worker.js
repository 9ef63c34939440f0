// Keeps the page for when there is no network, and sends the headers that give it threads where its host does not.
// vite.config.ts fills in the version and the files.
const version = 'filigree-__VERSION__';
const files = ['__FILES__'];

addEventListener('install', (event) => {
  event.waitUntil(
    caches.open(version).then(async (cache) => {
      await cache.addAll(files);
      await skipWaiting();
    }),
  );
});

addEventListener('activate', (event) => {
  event.waitUntil(
    caches.keys().then(async (names) => {
      await Promise.all(names.filter((name) => name !== version).map((name) => caches.delete(name)));
      await clients.claim();
    }),
  );
});

addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== location.origin) return;
  event.respondWith(answer(request));
});

async function answer(request) {
  const kept = await caches.match(request, { ignoreSearch: true, cacheName: version });
  const response = kept ?? (await fetch(request));
  if (response.type === 'opaque' || response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
