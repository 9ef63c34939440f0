// One job, key → result, behind any queue.
import { createDetector } from 'filigree';
import { digestOf, PhotoJobs } from 'filigree/bulk';
import type { PhotoJobsSettings } from 'filigree/bulk';

/** What results depend on besides the photo: another threshold makes other jobs. */
export const options = { scoreThreshold: 0.4 };

export type HandlerSettings = Pick<PhotoJobsSettings, 'base' | 'maxBytes' | 'maxPixels' | 'timeout'>;

/**
 * Loads a model, once for all jobs. `do(key)` of the result gives a photo's detections, or an error that stays the same however
 * often the job is done. It throws `Unavailable` for what may pass: the queue does the job again, later.
 * @param model the bytes of a .filigree file
 */
export async function createHandler(model: Uint8Array, settings: HandlerSettings): Promise<PhotoJobs> {
  const detector = await createDetector(model, options);
  return new PhotoJobs(detector, { ...settings, model: digestOf(model), options });
}
