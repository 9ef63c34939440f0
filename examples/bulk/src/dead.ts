// node dist/dead.js [--retry | --give-up RESULTS]: jobs that failed five times (BullMQ's failed set): lists them, puts them back into the
// queue, or makes each an error among the results.
import process from 'node:process';
import { Queue } from 'bullmq';
import { failed, type JobResult } from 'filigree/bulk';
import { Results } from './results.ts';
import { connect } from './redis.ts';
import { queueName, type JobData } from './settings.ts';

const [how, folder] = process.argv.slice(2);
if ((how !== undefined && how !== '--retry' && how !== '--give-up') || (how === '--give-up' && !folder)) {
  console.error('usage: node dist/dead.js [--retry | --give-up RESULTS]');
  process.exit(2);
}
const connection = connect();
const queue = new Queue<JobData, JobResult>(queueName, { connection });
queue.on('error', () => {}); // the connection tells
const results = folder ? await Results.open(folder) : undefined;
let count = 0;
for (;;) {
  const jobs = await queue.getJobs(['failed'], how ? 0 : count, (how ? 0 : count) + 499, true);
  if (jobs.length === 0) break;
  count += jobs.length;
  if (how === '--retry') for (const job of jobs) await job.retry('failed', { resetAttemptsMade: true });
  else if (results) {
    await results.add(jobs.map(({ data, failedReason }) => failed(data.id, data.key, 'unavailable', failedReason)));
    for (const job of jobs) await job.remove();
  } else for (const { data, failedReason } of jobs) console.log(`${data.key}: ${failedReason}`);
}
await results?.close();
console.log(
  `${count} dead letters${how === '--retry' ? ' are tried again' : results ? ` are errors in ${folder} now` : ''}`,
);
await queue.close();
connection.disconnect();
