// node dist/collect.js RESULTS: moves results from Redis into files, a line each, until the queue is empty. A result leaves Redis when it
// is on disk; one that is on disk already is not written again. So this may be killed at any time.
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { Queue, type Job } from 'bullmq';
import type { JobResult } from 'filigree/bulk';
import { Results } from './results.ts';
import { connect } from './redis.ts';
import { queueName, type JobData } from './settings.ts';

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node dist/collect.js RESULTS');
  process.exit(2);
}

const connection = connect();
const queue = new Queue<JobData, JobResult>(queueName, { connection });
queue.on('error', () => {}); // the connection tells

// one collector at a time: a lock that is kept while it works
const [lock, own, lockMs] = [`${queueName}-collector`, randomUUID(), 60_000];
while ((await connection.set(lock, own, 'PX', lockMs, 'NX')) === null) {
  console.error('another collector is at work, or was a minute ago; waiting for it');
  await new Promise((resolve) => setTimeout(resolve, 5000));
}

const results = await Results.open(folder);
const start = performance.now();
const times: number[] = [];
for (;;) {
  if ((await connection.get(lock)) !== own) throw new Error('another collector has taken over');
  await connection.pexpire(lock, lockMs);
  const jobs: Job<JobData, JobResult>[] = await queue.getJobs(['completed'], 0, 499, true);
  const found = jobs.filter((job) => job?.returnvalue);
  await results.add(found.map(({ returnvalue }) => returnvalue));
  await Promise.all(found.map((job) => job.remove()));
  for (const { finishedOn, processedOn } of found) times.push(finishedOn! - processedOn!);
  if (found.length === 500) continue; // there are more
  const { waiting, active, delayed, prioritized } = await queue.getJobCounts(
    'waiting',
    'active',
    'delayed',
    'prioritized',
  );
  if (found.length === 0 && waiting + active + delayed + prioritized === 0 && (await queue.getCompletedCount()) === 0)
    break;
  await new Promise((resolve) => setTimeout(resolve, 1000)); // a fetch and a write for many results
}
await results.close();
const dead = await queue.getFailedCount();
times.sort((a, b) => a - b);
const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
const seconds = (performance.now() - start) / 1000;
console.log(
  `${folder}: ${results.size} results, ${times.length} of them now, ${(times.length / seconds).toFixed(1)} a second; ` +
    `a job takes ${at(0.5)} ms (p50), ${at(0.99)} ms (p99)${dead > 0 ? `; ${dead} dead letters: node dist/dead.js` : ''}`,
);
if ((await connection.get(lock)) === own) await connection.del(lock);
await queue.close();
connection.disconnect();
