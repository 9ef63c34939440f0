// node dist/enqueue.js JOBS.jsonl [RESULTS]: puts every job of a file into the queue, once. What is in the queue, or in the results, is
// not put there again, so that this may be repeated and interrupted at will.
import { createReadStream } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { Queue } from 'bullmq';
import { digestOf, FiligreeError, jobId, parseJob } from 'filigree/bulk';
import { options } from './handler.ts';
import { idsIn } from './results.ts';
import { connect } from './redis.ts';
import { jobName, queueName, readModel, type JobData } from './settings.ts';

const [file, results] = process.argv.slice(2);
if (!file) {
  console.error('usage: node dist/enqueue.js JOBS.jsonl [RESULTS]');
  process.exit(2);
}

/** Five tries, waiting 1, 2, 4 and 8 s, more or less; then the job is a dead letter. */
const retries = {
  attempts: 5,
  backoff: { type: 'exponential', delay: Number(process.env.BACKOFF ?? 1000), jitter: 0.5 },
};

const settings = { model: digestOf(await readModel()), options };
const done = results ? await idsIn(results) : new Set<string>();
const connection = connect();
const queue = new Queue<JobData>(queueName, { connection });
queue.on('error', () => {}); // the connection tells
let [number, added, known, refused] = [0, 0, 0, 0];
let batch: Parameters<typeof queue.addBulk>[0] = [];
const send = async () => {
  await queue.addBulk(batch.splice(0));
};
for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
  number++;
  if (line.trim() === '') continue;
  let key: string;
  try {
    key = parseJob(line);
  } catch (error) {
    if (!(error instanceof FiligreeError)) throw error;
    refused++;
    console.error(`${file}, line ${number}: ${error.message.replace(/^job: /, '')}`);
    continue;
  }
  const id = jobId(key, settings);
  if (done.has(id)) {
    known++;
    continue;
  }
  batch.push({ name: 'photo', data: { id, key }, opts: { jobId: jobName(id), ...retries } });
  added++;
  if (batch.length === 1000) await send();
}
if (batch.length > 0) await send();
console.log(
  `${added} jobs put into "${queueName}" unless they were there; ${known} have a result; ${refused} lines are no jobs`,
);
await queue.close();
connection.disconnect();
