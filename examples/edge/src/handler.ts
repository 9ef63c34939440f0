// POST / with a JPEG, PNG or WebP file → JSON detections. GET / tells how. The same for every host.
import { createDetector } from 'filigree';
import { decodeImage, readImageHeader } from 'filigree/images';
import { HttpError, readBody } from './body.ts';
import { usage } from './usage.ts';

export interface Limits {
  /** Of a request's body. */
  bytes: number;
  /** Of a photo, before it is decoded: up to 19 bytes of memory each. More than 4e6 do not fit an isolate of 128 MB. */
  pixels: number;
  /** Milliseconds for a body to arrive. */
  ms: number;
}

export const defaultLimits: Limits = { bytes: 4e6, pixels: 4e6, ms: 10_000 };

export interface Handler {
  fetch(request: Request): Promise<Response>;
}

/**
 * Loads a detection model and answers requests with it.
 * @param source what `createDetector` takes: in workerd the model's bytes, elsewhere a name (`objects`, `faces`), path or URL
 */
export async function createHandler(
  source: Parameters<typeof createDetector>[0],
  limits: Limits = defaultLimits,
): Promise<Handler> {
  const detector = await createDetector(source);
  const help = usage(detector.model.name, limits);

  async function detect(request: Request, url: URL): Promise<Response> {
    const score = numberIn(url, 'score', 0, 1) ?? 0;
    const most = numberIn(url, 'max', 1, 1000) ?? 1000;
    const start = performance.now();
    const bytes = await readBody(request, limits.bytes, limits.ms);
    const received = performance.now();
    const header = readImageHeader(bytes);
    if (!header) throw new HttpError(415, 'the body is no JPEG, PNG or WebP image');
    const { width = 0, height = 0 } = header;
    if (width * height > limits.pixels) {
      throw new HttpError(413, `${width} × ${height} pixels; at most ${limits.pixels / 1e6} megapixels are taken`);
    }
    const image = await decodeImage(bytes, { name: 'the body', maxPixels: limits.pixels }).catch((error: Error) => {
      throw new HttpError(400, error.message);
    });
    const decoded = performance.now();
    const { detections: found, speed } = await detector.detect(image);
    const detections = found.filter((detection) => detection.score >= score).slice(0, most);
    // workerd's clock stands still while code runs: its times are 0
    const ms = { receive: received - start, decode: decoded - received, ...speed };
    return json(200, { detections, image: { width: image.width, height: image.height }, ms });
  }

  return {
    async fetch(request) {
      const url = new URL(request.url);
      try {
        if (url.pathname !== '/') throw new HttpError(404, `nothing at ${url.pathname}; POST a photo to /`);
        switch (request.method) {
          case 'GET':
          case 'HEAD':
            return new Response(help, { headers: { 'content-type': 'text/plain; charset=utf-8' } });
          case 'POST':
            return await detect(request, url);
          default:
            throw new HttpError(405, `${request.method} is not answered; POST a photo`, { allow: 'GET, HEAD, POST' });
        }
      } catch (error) {
        if (error instanceof HttpError) return json(error.status, { error: error.message }, error.headers);
        console.error(error);
        return json(500, { error: 'something went wrong here; the log says what' });
      }
    },
  };
}

/** A number of the query string, or undefined. @throws HttpError 400 when it is none or out of range */
function numberIn(url: URL, name: string, least: number, most: number): number | undefined {
  const text = url.searchParams.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new HttpError(400, `?${name} must be a number from ${least} to ${most}, not "${text}"`);
}

function json(status: number, value: unknown, headers?: Record<string, string>): Response {
  return Response.json(value, { status, headers: { 'access-control-allow-origin': '*', ...headers } });
}
