// `#worker-detector` for entry points without workers: edge functions, and filigree/inline, which is one file.
import { FiligreeError } from '../errors.ts';

export const WorkerDetector = {
  /** @throws FiligreeError `environment` */
  async create(): Promise<never> {
    throw new FiligreeError(
      'environment',
      'worker: neither edge functions nor filigree/inline have a worker; import createDetector from filigree on a page, or ' +
        'leave worker out',
    );
  },
};
