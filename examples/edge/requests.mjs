// Requests as they come to a server that anyone can ask: photos, and among them every kind of mistake, each with the status
// that it must be answered with.
import { Agent, request } from 'node:http';
import { crc32 } from 'node:zlib';

/** @param {Uint8Array} photo a JPEG file */
export function kindsOf(photo) {
  const post = { method: 'POST', body: photo, status: 200 };
  const good = [
    { name: 'photo', ...post },
    { name: 'photo of another content type', ...post, headers: { 'content-type': 'text/html' } },
    { name: 'photo, best only', ...post, path: '/?max=1' },
  ];
  const scans = Array.from({ length: 1000 }, () => [0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0, 0x7f]).flat();
  const refuse = (name, status, change = {}) => ({ name, ...post, ...change, status });
  const bad = [
    refuse('a photo cut off', 400, { body: photo.subarray(0, photo.length * 0.6) }),
    refuse('text that says it is a photo', 415, {
      body: Buffer.from('no photo at all'),
      headers: { 'content-type': 'image/jpeg' },
    }),
    refuse('a PNG file that is broken', 400, { body: png(1000, 1000) }),
    refuse('a PNG file of 3000 megapixels', 413, { body: png(60_000, 50_000) }),
    refuse('a JPEG file of 1000 scans', 400, { body: Buffer.concat([photo, Buffer.from(scans)]) }),
    refuse('an empty body', 400, { body: Buffer.alloc(0) }),
    refuse('a body that is too large', 413, { body: Buffer.alloc(4_000_001) }),
    refuse('another method', 405, { method: 'PUT' }),
    refuse('another path', 404, { path: '/favicon.ico' }),
    refuse('a query out of range', 400, { path: '/?score=high' }),
    refuse('a client that goes away', 0, { leaves: true }),
  ];
  return { good, bad, slow: refuse('a body that does not arrive', 408, { stalls: true }) };
}

/** A PNG file of that size, with some bytes of compressed data that are none. */
function png(width, height) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', Buffer.alloc(5000, 0x55)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Sends one request. @returns its status, 0 when this client went away as it should, or what went wrong in words */
function send(url, kind, agent) {
  const { method, path = '/', headers = {}, body, leaves, stalls } = kind;
  return new Promise((resolve) => {
    const half = leaves || stalls;
    const sent = request(
      new URL(path, url),
      { method, agent, headers: { ...headers, 'content-length': body.length } },
      (response) => {
        response.resume();
        response.on('end', () => {
          resolve(response.statusCode);
          if (half) sent.destroy();
        });
        response.on('error', (error) => resolve(error.message));
      },
    );
    sent.on('error', (error) => {
      // a server may close a connection that has been idle for seconds just when it is used again: clients ask once more
      if (sent.reusedSocket && error.code === 'ECONNRESET' && !half) resolve(send(url, kind, agent));
      else resolve(leaves ? 0 : error.message);
    });
    if (!half) sent.end(body);
    else {
      sent.write(body.subarray(0, body.length / 2));
      if (leaves) setTimeout(() => sent.destroy(), 5);
    }
  });
}

/**
 * Asks a server for `seconds`, or until so many `requests` are sent, over so many connections at a time, `malformed` of the requests being mistakes; beside them,
 * when `slow`, for `seconds`, one client after the other whose body does not arrive.
 * @returns {Promise<{ requests: number, malformed: number, perSecond: number, wrong: string[], latencies: { photos: number[], mistakes: number[] }, kinds: Record<string, number> }>}
 *   `wrong` answers in words; latencies in ms, sorted; how many were sent of each kind
 */
export async function load(
  url,
  photo,
  { seconds = Infinity, requests = Infinity, connections = 4, malformed = 0.25, slow = false },
) {
  const { good, bad, slow: stalling } = kindsOf(photo);
  const every = malformed > 0 ? Math.round(1 / malformed) : Infinity;
  const start = performance.now();
  const end = start + 1000 * seconds;
  const latencies = { photos: [], mistakes: [] };
  const kinds = {};
  const wrong = [];
  let count = 0;
  let mistakes = 0;
  const ask = async (kind, agent, list) => {
    const before = performance.now();
    const status = await send(url, kind, agent);
    list?.push(performance.now() - before);
    kinds[kind.name] = (kinds[kind.name] ?? 0) + 1;
    if (status !== kind.status) wrong.push(`${kind.name}: ${status} instead of ${kind.status}`);
  };
  const connection = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (performance.now() < end && count < requests) {
      const i = count++;
      const isBad = i % every === every - 1;
      const kind = isBad ? bad[mistakes++ % bad.length] : good[i % good.length];
      await ask(kind, agent, isBad ? latencies.mistakes : latencies.photos);
    }
    agent.destroy();
  };
  const stall = async () => {
    if (!slow) return;
    while (performance.now() < end - 12_000) await ask(stalling, new Agent());
  };
  await Promise.all([stall(), ...Array.from({ length: connections }, connection)]);
  for (const list of Object.values(latencies)) list.sort((a, b) => a - b);
  const perSecond = (1000 * count) / (performance.now() - start);
  return { requests: count, malformed: mistakes, perSecond, wrong, latencies, kinds };
}

/** @param {number[]} sorted */
export const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
