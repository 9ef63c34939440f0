// node dist/worker.js: takes jobs from the queue. Photos are looked at in a process of their own (BullMQ's sandbox): one that dies at a
// photo fails that job, and another takes its place.
import process from 'node:process';
import { Worker } from 'bullmq';
import { connect } from './redis.ts';
import { queueName } from './settings.ts';

const connection = connect();
const worker = new Worker(queueName, new URL('processor.js', import.meta.url), {
  connection,
  workerForkOptions: { execArgv: ['--import', new URL('with-parent.js', import.meta.url).href] },
  concurrency: Number(process.env.CONCURRENCY ?? 1), // processes, each with a model of its own
  // a worker that is killed holds its job for so long; then another does it
  lockDuration: Number(process.env.LOCK ?? 30_000),
  stalledInterval: Number(process.env.LOCK ?? 30_000) / 2,
  maxStalledCount: 20, // machines go away; photos that end processes fail in the sandbox
});
worker.on('error', () => {}); // of the connection, which is tried again, or of a job that is another's by now

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await worker.close(); // after the job at hand
    connection.disconnect();
  });
}
