// Cloudflare Queues: messages are jobs, results go to a bucket, one object each. A message that cannot be done now comes again later;
// after `max_retries` Cloudflare moves it to the dead-letter queue (wrangler.jsonc).
import model from 'filigree/models/face-detection.filigree';
import { FiligreeError, keyOf, Unavailable } from 'filigree/bulk';
import { createHandler } from './handler.ts';

/** What is used of an R2 bucket; a KV namespace has it as well. */
interface Store {
  get(name: string): Promise<unknown>;
  put(name: string, value: string): Promise<unknown>;
}

interface Env {
  RESULTS: Store;
  /** URL that keys are relative to: a public bucket, or its S3 API behind a service. */
  BASE: string;
}

interface Message {
  readonly body: unknown;
  /** From 1. */
  readonly attempts: number;
  ack(): void;
  retry(options?: { delaySeconds?: number }): void;
}

const bytes = new Uint8Array(model);
let jobs: ReturnType<typeof createHandler> | undefined;

export default {
  async queue({ messages }: { messages: readonly Message[] }, { RESULTS, BASE }: Env): Promise<void> {
    const handler = await (jobs ??= createHandler(bytes, { base: BASE, maxBytes: 10e6 }));
    for (const message of messages) {
      try {
        const key = keyOf(message.body);
        const name = `results/${handler.idOf(key)}.json`;
        // a message may come twice: what is done is not done again
        if (!(await RESULTS.get(name))) await RESULTS.put(name, JSON.stringify(await handler.do(key)));
        message.ack();
      } catch (error) {
        if (error instanceof Unavailable) message.retry({ delaySeconds: Math.min(3600, 10 * 2 ** message.attempts) });
        else if (error instanceof FiligreeError && error.code === 'invalid-argument') {
          console.error(error.message); // no job, however often it comes
          message.ack();
        } else message.retry();
      }
    }
  },
};
