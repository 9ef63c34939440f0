// Detectors and classifiers by settings that can be sent to another process.
import type { Looker } from '../bulk/photo-jobs.ts';
import type { ClassifierSettings } from '../vision/classifier.ts';
import type { DetectorSettings } from '../vision/detector-settings.ts';
import { loadArtifact } from './models.ts';

export interface LookerSettings {
  /** A .filigree file's bytes. */
  artifact: Uint8Array;
  /** Its name in errors. */
  path: string;
  threads?: number | 'auto';
  detect?: DetectorSettings & { tiles?: number };
  classify?: ClassifierSettings;
}

/** @throws FiligreeError as loading a model, and as making a detector or classifier */
export async function createLooker(
  settings: LookerSettings,
): Promise<Looker & { dispose(): void; notes?: readonly string[] }> {
  const { artifact, path, threads, detect: { tiles, ...detect } = {}, classify } = settings;
  const model = await loadArtifact(artifact, path, { threads });
  try {
    if (classify) {
      const { Classifier } = await import('../vision/classifier.ts');
      return await Classifier.of(model, classify);
    }
    const { Detector } = await import('../vision/detector.ts');
    const detector = await Detector.of(model, detect);
    return {
      detect: (image) => detector.detect(image, { tiles: tiles === undefined ? false : { size: tiles } }),
      dispose: () => detector.dispose(),
    };
  } catch (error) {
    model.dispose();
    throw error;
  }
}
