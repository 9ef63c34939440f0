// Runs in the processes that dist/worker.js starts: one job after the other, with one model.
import type { SandboxedJob } from 'bullmq';
import type { JobResult } from 'filigree/bulk';
import { createHandler } from './handler.ts';
import { base, readModel, type JobData } from './settings.ts';

const handler = createHandler(await readModel(), { base });

/** @throws Unavailable, after which the queue does the job again, later */
export default async function processor({ data }: SandboxedJob<JobData>): Promise<JobResult> {
  return (await handler).do(data.key);
}
