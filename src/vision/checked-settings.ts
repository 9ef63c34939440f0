// Settings of a detector, checked and put together with what its model says.
import { FiligreeError } from '../errors.ts';
import type { DetectorSettings } from './detector-settings.ts';
import { readVisionMetadata, type VisionMetadata } from './metadata.ts';

/** Settings that choose among candidates. */
export type Limits = Required<
  Pick<DetectorSettings, 'scoreThreshold' | 'iouThreshold' | 'maxResults' | 'classAgnostic' | 'multiLabel'>
>;

const defaultMaxResults = 100;

/** The model's vision metadata with the caller's overrides, checked like the model's own. */
export function withOverrides(
  vision: VisionMetadata,
  labels: DetectorSettings['labels'],
  preprocessing: DetectorSettings['preprocessing'],
): VisionMetadata {
  if (labels === undefined && preprocessing === undefined) return vision;
  const { width, height } = vision.preprocessing;
  const changed = {
    ...vision,
    labels: labels ?? vision.labels,
    preprocessing: { ...vision.preprocessing, ...preprocessing, width, height },
  };
  try {
    return readVisionMetadata({ vision: changed })!;
  } catch (error) {
    const message = (error as Error).message.replace('metadata.vision.', '');
    throw new FiligreeError('invalid-argument', message, { cause: error });
  }
}

export function checkedLimits(settings: DetectorSettings, vision: VisionMetadata): Limits {
  const {
    scoreThreshold = vision.scoreThreshold,
    iouThreshold = vision.iouThreshold,
    maxResults = vision.maxResults ?? defaultMaxResults,
    classAgnostic = vision.classAgnostic ?? false,
    multiLabel = false,
  } = settings;
  checkScoreThreshold(scoreThreshold);
  checkFraction('iouThreshold', iouThreshold);
  if (!Number.isInteger(maxResults) || maxResults < 1) {
    throw new FiligreeError('invalid-argument', `maxResults: wanted a whole number from 1, got ${String(maxResults)}`);
  }
  for (const [name, value] of Object.entries({ classAgnostic, multiLabel })) {
    if (typeof value !== 'boolean') {
      throw new FiligreeError('invalid-argument', `${name}: wanted true or false, got ${String(value)}`);
    }
  }
  return { scoreThreshold, iouThreshold, maxResults, classAgnostic, multiLabel };
}

/** @throws FiligreeError `invalid-argument` */
export const checkScoreThreshold = (value: number): void => checkFraction('scoreThreshold', value);

function checkFraction(name: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new FiligreeError('invalid-argument', `${name}: wanted a number from 0 to 1, got ${String(value)}`);
}

/**
 * The indices of the classes that a call names.
 * @throws FiligreeError `invalid-argument` when there is no such class
 */
export function classIndices(wanted: readonly (string | number)[], labels: readonly string[]): Set<number> {
  return new Set(
    wanted.map((name) => {
      const index = typeof name === 'number' ? name : labels.indexOf(name);
      if (Number.isInteger(index) && index >= 0 && (labels.length === 0 || index < labels.length)) return index;
      const some =
        labels.length > 0 ? `"${labels.slice(0, 8).join('", "')}"${labels.length > 8 ? ', …' : ''}` : 'no names';
      throw new FiligreeError(
        'invalid-argument',
        `classes: the model has no class ${JSON.stringify(name)}; it has ${labels.length} classes: ${some}`,
      );
    }),
  );
}
