// Jobs of one photo each, for queues: what `filigree detect --jobs` and workers behind a broker share.
export { digestOf, jobId } from './bulk/job-id.ts';
export type { JobSettings } from './bulk/job-id.ts';
export { keyOf, parseJob } from './bulk/job.ts';
export type { JobErrorCode, JobResult, PhotoFindings, WrittenDetection } from './bulk/job.ts';
export { failed, PhotoJobs } from './bulk/photo-jobs.ts';
export type { Looker, PhotoJobsSettings, Prepared } from './bulk/photo-jobs.ts';
export { Unavailable } from './bulk/read-photo.ts';
export { FiligreeError } from './errors.ts';
export type { FiligreeErrorCode } from './errors.ts';
