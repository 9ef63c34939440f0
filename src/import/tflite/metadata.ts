// Metadata of a TFLite file: the flatbuffer of tensorflow/tflite-support's metadata_schema.fbs in the model's entry
// TFLITE_METADATA, and the files appended to the model as a zip archive. Numbers beside fields are field ids. Nothing
// here stops an import: metadata that cannot be read is left out and noted.
import { parseLabels } from '../../formats/label-file.ts';
import { pythonNames } from '../../formats/python-names.ts';
import { FlatFile, type FlatTable } from './flatbuffer.ts';
import type { TfliteModel } from './schema.ts';
import { ZipArchive } from './zip.ts';

/** The content of `metadata.tflite` of a graph. */
export interface TfliteMetadata {
  name?: string;
  description?: string;
  version?: string;
  author?: string;
  license?: string;
  /** Ultralytics' `task`: `detect`, `segment`, … */
  task?: string;
  /** Ultralytics' `kpt_shape`, of poses: `[17, 3]`. */
  keypointShape?: string;
  /** Names of the classes, from the model's label file. */
  labels?: string[];
  /** Bytes b of the image become (b − mean) / std: one number, or one a channel. */
  normalization?: { mean: number[]; std: number[] };
}

const entryName = 'TFLITE_METADATA';
const identifier = 'M001';
const maxFileBytes = 2 ** 20;
const maxLabels = 65536;
const longestText = 4096;
const longestNote = 500;

/** AssociatedFileType: labels of an axis of an output, or of its values. */
const labelTypes: readonly number[] = [2, 3];
/** ProcessUnitOptions */
const normalizationOptions = 1;

interface AssociatedFile {
  name: string;
  type: number;
  locale: string;
}

/** Reads the metadata. Each part that cannot be read is left out, with a note. */
export function readMetadata(model: TfliteModel, file: Uint8Array, notes: string[]): TfliteMetadata {
  const found: TfliteMetadata = {};
  const files: AssociatedFile[] = [];
  const attempt = (what: string, action: () => void) => {
    try {
      action();
    } catch (error) {
      notes.push(`${what} cannot be read and is ignored: ${(error as Error).message.slice(0, longestNote)}`);
    }
  };
  attempt(`the model's metadata (${entryName})`, () => {
    const root = rootOf(model);
    if (!root) return;
    const subgraph = root.tables(3, 'subgraph').at(0);
    ['name', 'description', 'version', undefined, 'author', 'license'].forEach((key, field) => {
      const value = key && root.string(field, key).trim().slice(0, longestText);
      if (value) found[key as 'name'] = value;
    });
    for (const output of subgraph?.tables(3, 'output') ?? []) files.push(...associatedFiles(output, 6));
    if (subgraph) files.push(...associatedFiles(subgraph, 4));
    files.push(...associatedFiles(root, 6));
    attempt("the input's normalization", () => {
      const normalization = subgraph && readNormalization(subgraph);
      if (normalization) found.normalization = normalization;
    });
  });
  attempt('what is appended to the model', () => {
    const archive = new ZipArchive(file);
    readUltralytics(archive, found);
    const labelFile = chooseLabelFile(files, archive.names);
    // Ultralytics lists its own file as one of labels; what it says of names is known by then.
    if (!labelFile || ultralyticsFiles.includes(labelFile) || found.labels) return;
    const data = archive.read(labelFile, maxFileBytes);
    if (!data) throw new Error(`the label file ${JSON.stringify(labelFile)} is not among it`);
    const labels = parseLabels(new TextDecoder().decode(data), labelFile);
    if (labels.length > maxLabels) throw new Error(`${labelFile}: more than ${maxLabels} labels`);
    found.labels = labels;
  });
  return found;
}

/** The metadata's own flatbuffer, which lies in one of the model's buffers. */
function rootOf(model: TfliteModel): FlatTable | undefined {
  const entry = model.root.tables(6, 'metadata').find((table) => table.string(0, 'name') === entryName);
  if (!entry) return undefined;
  const index = entry.uint32(1);
  const buffer = model.buffers.at(index);
  if (!buffer) throw new Error(`it refers to buffer ${index}; there are ${model.buffers.length}`);
  const found = new TextDecoder('latin1').decode(buffer.subarray(4, 8));
  if (found !== identifier) throw new Error(`wanted the identifier ${identifier}, found ${JSON.stringify(found)}`);
  return new FlatFile(buffer, entryName).root('');
}

function associatedFiles(table: FlatTable, field: number): AssociatedFile[] {
  return table.tables(field, 'associated file').map((file) => ({
    name: file.string(0, 'name'),
    type: file.int8(2),
    locale: file.string(3, 'locale'),
  }));
}

/** Prefers labels of an output to those of the model, and labels without a language; else the only file that looks like labels. */
function chooseLabelFile(files: readonly AssociatedFile[], present: readonly string[]): string | undefined {
  const labels = files.filter(({ type }) => labelTypes.includes(type));
  const chosen = labels.find(({ locale }) => locale === '') ?? labels.at(0);
  if (chosen) return chosen.name;
  const alike = present.filter((name) => /label[^/]*\.txt$/i.test(name));
  return alike.length === 1 ? alike[0] : undefined;
}

/** The normalisation of the first input. */
function readNormalization(subgraph: FlatTable): TfliteMetadata['normalization'] {
  const [input] = subgraph.tables(2, 'input');
  const unit = input?.tables(4, 'process unit').find((table) => table.uint8(0) === normalizationOptions);
  const options = unit?.table(1, 'normalization');
  if (!options) return undefined;
  const [mean, std] = [options.float32s(0, 'mean'), options.float32s(1, 'std')];
  const counts = [1, 3];
  const sound = [...mean, ...std].every(Number.isFinite) && !std.includes(0);
  if (!sound || !counts.includes(mean.length) || !counts.includes(std.length)) {
    const [means, stds] = [mean, std].map((values) => values.slice(0, 8).join(', '));
    throw new Error(`mean [${means}] and std [${stds}] are not one or three numbers each, std not 0`);
  }
  return { mean, std };
}

/** Ultralytics appends JSON, or the text of a Python dict, under one of these names. */
const ultralyticsFiles = ['metadata.json', 'temp_meta.txt', 'meta.txt'];

function readUltralytics(archive: ZipArchive, found: TfliteMetadata): void {
  const name = ultralyticsFiles.find((candidate) => archive.names.includes(candidate));
  const data = name && archive.read(name, maxFileBytes);
  if (!data) return;
  const text = new TextDecoder().decode(data);
  for (const key of ['task', 'description'] as const) {
    const value = /^['"]([^'"\n]+)['"]/.exec(behind(text, key))?.[1];
    if (value) found[key] = value.slice(0, longestText);
  }
  const shape = /^[[(][\d, ]{3,16}[\])]/.exec(behind(text, 'kpt_shape'))?.[0];
  if (shape) found.keypointShape = shape;
  const names = /^[{[][^}\]]*[}\]]/.exec(behind(text, 'names'))?.[0];
  // JSON's keys are strings: "0": "person".
  const labels = names && pythonNames(names.replace(/(^|[{,])(\s*)"(\d+)"(\s*:)/g, '$1$2$3$4'));
  if (labels) found.labels = labels;
}

/** The text after the first `key:`. Only the first is tried, because the text may hold a million of them. */
function behind(text: string, key: string): string {
  const found = new RegExp(`['"]${key}['"]\\s*:\\s*`).exec(text);
  return found ? text.slice(found.index + found[0].length) : '';
}
