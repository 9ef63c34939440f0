// Recognises a model's head by its file's own facts and by the shapes of its inputs and outputs. Used when a model is
// compiled, whose artifact then carries the answer as `metadata.vision`, and for artifacts without it.
import { FiligreeError } from '../errors.ts';
import { same } from './classifier-metadata.ts';
import { coco80, coco90 } from './coco-labels.ts';
import { channelAxis, outputNamed, type TensorDescription } from './fields.ts';
import { fileFacts, type FileFacts } from './file-facts.ts';
import { knownModel } from './known-models.ts';
import { fittingLabels } from './labels.ts';
import type { VisionMetadata } from './metadata.ts';
import { takesBytes } from './quantized-bytes.ts';
import type { OutputTails } from './output-tails.ts';
import type { Fit, ImageInput, ModelDescription, Preset } from './presets/preset.ts';
import { headPresets } from './presets.ts';
import { headNames, type HeadName } from './head-names.ts';

/** What was recognised: the vision metadata or, where that is ambiguous, the heads that fit the outputs. */
export interface Recognition {
  readonly vision?: VisionMetadata;
  readonly choices: readonly HeadName[];
}

/** Recognises a detector. Unknown models give neither metadata nor choices. */
export function recognise(model: ModelDescription): Recognition {
  const { inputs, outputs, metadata = {}, tails } = model;
  const known = knownModel(inputs, outputs);
  if (known) return { vision: known, choices: [] };
  const input = imageInput(inputs);
  const facts = fileFacts(metadata);
  if (!input) return { choices: [] };
  const fits: { name: HeadName; fit: Fit; evidence: number }[] = [];
  for (const name of headNames) {
    const preset: Preset = headPresets[name];
    // objects that the network has chosen itself are of any task
    if (facts.task !== undefined && facts.task !== (preset.task ?? 'detect') && name !== 'end-to-end') continue;
    const fit = preset.fit(outputs, input, { facts, tails, named: false });
    if (!fit) continue;
    const described = preset.words?.test(facts.description) ? 4 : 0;
    const sure = fit.sure ? 8 : 0;
    fits.push({ name, fit, evidence: sure + described + (fit.classes === coco80.length ? 1 : 0) });
  }
  const fitting = fits.filter(
    ({ fit: { classes } }) => !facts.labels || classes === undefined || fittingLabels(facts.labels, classes),
  );
  const likely = fitting.filter(({ name, fit: { head } }) => {
    const { onlyWhenNamed, yieldsTo } = headPresets[name];
    const decoded = fits.find((other) => other.name === yieldsTo)?.fit.head;
    const beside = decoded?.type === 'yolo' && 'outputs' in head && !head.outputs.includes(decoded.output);
    return !onlyWhenNamed && !beside;
  });
  const most = Math.max(...likely.map(({ evidence }) => evidence));
  const best = likely.filter(({ evidence }) => evidence === most);
  if (best.length !== 1) {
    return { choices: (fitting.length > 0 ? fitting : fits).map(({ name }) => name) };
  }
  return { vision: describe(best[0].name, best[0].fit, model, facts), choices: [] };
}

/** A model's vision metadata; undefined when it is unknown or ambiguous. */
export function recogniseVision(
  inputs: readonly TensorDescription[],
  outputs: readonly TensorDescription[],
  metadata: Readonly<Record<string, unknown>> = {},
  tails?: OutputTails,
): VisionMetadata | undefined {
  return recognise({ inputs, outputs, metadata, tails }).vision;
}

/**
 * The vision metadata of a model whose head the caller names.
 * @throws FiligreeError `invalid-argument` when there is no such head, or the model's inputs and outputs do not fit it
 */
export function visionWithHead(model: ModelDescription & { readonly name: string }, head: HeadName): VisionMetadata {
  const preset = Object.hasOwn(headPresets, head) ? headPresets[head] : undefined;
  if (!preset) {
    throw new FiligreeError('invalid-argument', `head: wanted ${oneOfHeads(headNames)}; got ${JSON.stringify(head)}`);
  }
  const input = imageInput(model.inputs);
  const { outputs, tails } = model;
  const facts = fileFacts(model.metadata ?? {});
  const fit = input && preset.fit(outputs, input, { facts, tails, named: true });
  if (!input || !fit) {
    throw new FiligreeError(
      'invalid-argument',
      `${model.name}: head "${head}" needs one image as input and ${preset.wants}; the model has inputs ` +
        `${describeTensors(model.inputs)} and outputs ${describeTensors(model.outputs)}`,
    );
  }
  return describe(head, fit, model, facts);
}

/**
 * A model's vision metadata, by the named head or by recognition.
 * @throws FiligreeError `unsupported` when the model is not a known detector, `invalid-argument` when its head is
 * ambiguous, or when it does not fit the named head
 */
export function visionOf(model: ModelDescription & { readonly name: string }, head?: HeadName): VisionMetadata {
  if (head !== undefined) return visionWithHead(model, head);
  const { vision, choices } = recognise(model);
  if (vision) return vision;
  const outputs = describeTensors(model.outputs);
  if (choices.length > 0) {
    throw new FiligreeError(
      'invalid-argument',
      `${model.name}: nothing says which detection head its outputs ${outputs} are. Say it by the option head ` +
        `(--head): ${oneOfHeads(choices)}`,
    );
  }
  if (isClassifier(model)) {
    throw new FiligreeError(
      'unsupported',
      `${model.name}: a classifier, not a detector: its output ${outputs} is a score per class. Use createClassifier, or ` +
        '"filigree classify"',
    );
  }
  throw new FiligreeError(
    'unsupported',
    `${model.name}: not a detector that Filigree knows: it has no metadata.vision, and its outputs are ${outputs}`,
  );
}

function isClassifier({ inputs, outputs, metadata = {} }: ModelDescription): boolean {
  const { vision } = metadata as { vision?: { task?: unknown } };
  const [output] = outputs;
  const isScores = outputs.length === 1 && output.shape.filter((d) => d !== 1).length === 1;
  return vision?.task === 'classify' || (isScores && imageInput(inputs) !== undefined);
}

/** How many classes a detector has whose head somebody named or `recognise` found; undefined for others. */
export function classCount(model: ModelDescription, { head, labels }: VisionMetadata): number | undefined {
  const { inputs, outputs, metadata = {}, tails } = model;
  const input = imageInput(inputs);
  const clues = { facts: fileFacts(metadata), tails, named: true };
  const wanted = JSON.stringify(head);
  for (const name of headNames) {
    const fit = input && headPresets[name].fit(outputs, input, clues);
    if (fit && JSON.stringify(fit.head) === wanted) return fit.classes;
  }
  if (head.type === 'ssd') return outputNamed(outputs, head.scores).shape.at(-1)! - head.background;
  return labels.length > 0 ? labels.length : undefined;
}

function describe(name: HeadName, { head, classes, labels }: Fit, { inputs }: ModelDescription, facts: FileFacts) {
  const { preprocessing, scoreThreshold, iouThreshold } = headPresets[name];
  const { width, height } = imageInput(inputs)!;
  const stated = inputs[0].dtype === 'float32' && facts.normalization;
  return {
    task: 'detect',
    head,
    preprocessing: {
      width,
      height,
      ...preprocessing,
      ...(stated && { ...stated, order: 'RGB' as const }),
      ...(takesBytes(inputs[0]) && same(1, 0)),
    },
    labels:
      (classes === undefined ? facts.labels : facts.labels && fittingLabels(facts.labels, classes)) ??
      labels ??
      defaultLabels(classes),
    scoreThreshold,
    iouThreshold,
  } satisfies VisionMetadata;
}

/** COCO's labels when the number of classes is COCO's. */
export function defaultLabels(classes: number | undefined): readonly string[] {
  return classes === coco80.length ? coco80 : classes === coco90.length ? coco90 : [];
}

/** The only input, when it is an image. */
export function imageInput(inputs: readonly TensorDescription[]): ImageInput | undefined {
  const { shape } = inputs[0] ?? { shape: [] };
  const channel = inputs.length === 1 ? channelAxis(shape) : undefined;
  if (channel === 3) return { height: shape[1], width: shape[2], channelsLast: true };
  if (channel === 1) return { height: shape[2], width: shape[3], channelsLast: false };
  return undefined;
}

function describeTensors(tensors: readonly TensorDescription[]): string {
  return tensors.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ');
}

function oneOfHeads(names: readonly HeadName[]): string {
  return names.map((name) => `"${name}"`).join(' or ');
}
