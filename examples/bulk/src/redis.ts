import process from 'node:process';
import { Redis } from 'ioredis';

/** A connection that waits for Redis as long as it takes: it may be starting again. */
export function connect(): Redis {
  const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', {
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(100 * times, 2000),
  });
  redis.on('error', () => {}); // it is tried again
  return redis;
}
