// Settings of the processes behind Redis, from the environment.
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const { env } = process;

/** Name of the queue. */
export const queueName = env.QUEUE ?? 'photos';

/** Folder or URL that keys are relative to. */
export const base = env.BASE ?? '.';

const modelPath = env.MODEL ?? fileURLToPath(import.meta.resolve('filigree/models/face-detection.filigree'));

/** The bytes of the model: `MODEL`, or what finds faces. */
export const readModel = (): Promise<Uint8Array> => readFile(modelPath);

/** BullMQ's name of a job: ids that are all digits are not allowed. */
export const jobName = (id: string) => `photo-${id}`;

/** What a job holds. */
export interface JobData {
  id: string;
  key: string;
}
