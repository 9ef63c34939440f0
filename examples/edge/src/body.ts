/** What a client did wrong, as it is answered. */
export class HttpError extends Error {
  readonly status: number;
  readonly headers: Record<string, string> | undefined;

  constructor(status: number, message: string, headers?: Record<string, string>) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * A request's body, of at most `most` bytes, when it arrives within `ms`.
 * @throws HttpError 400 without one or when it breaks off, 408 when it takes too long, 413 when it is too large
 */
export async function readBody(request: Request, most: number, ms: number): Promise<Uint8Array> {
  const tooLarge = new HttpError(413, `the body is larger than ${most / 1e6} MB`, { connection: 'close' });
  // a client that is still sending when it is answered may not hear the answer: what is a little too large is read
  const drained = 4 * most;
  if (Number(request.headers.get('content-length') ?? 0) > drained) throw tooLarge;
  if (!request.body) throw new HttpError(400, 'no body; POST the bytes of a photo');
  const reader = request.body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new HttpError(408, `the body took longer than ${ms / 1000} s`, { connection: 'close' });
    timer = setTimeout(() => reject(error), ms);
  });
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) break;
      length += value.length;
      if (length > drained) throw tooLarge;
      if (length <= most) chunks.push(value);
    }
    if (length > most) throw tooLarge;
  } catch (error) {
    reader.cancel().catch(() => {}); // the client may be gone
    throw error instanceof HttpError ? error : new HttpError(400, 'the body broke off');
  } finally {
    clearTimeout(timer);
  }
  if (length === 0) throw new HttpError(400, 'the body is empty; POST the bytes of a photo');
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
