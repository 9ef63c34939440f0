import process from 'node:process';
import { Redis } from 'ioredis';

/** A connection that waits for Redis as long as it takes: it may be starting again. It says so, once each time. */
export function connect(): Redis {
  const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(100 * times, 2000),
  });
  let isTold = false;
  redis.on('ready', () => (isTold = false));
  redis.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (isTold) return;
    isTold = true;
    const { host } = new URL(url); // without a password
    console.error(`Redis at ${host} does not answer (${message || code}); waiting for it`);
  });
  return redis;
}
