// What an ONNX file says of itself, as the importer leaves it in `metadata.onnx`: texts by key.

export interface OnnxFacts {
  /** Ultralytics' `task`: `detect`, `segment`, … */
  readonly task?: string;
  /** Ultralytics' `names`, by class. */
  readonly labels?: readonly string[];
  /** All that may name the network's family. */
  readonly description: string;
}

export function onnxFacts(metadata: Readonly<Record<string, unknown>>): OnnxFacts {
  const onnx = isRecord(metadata.onnx) ? metadata.onnx : {};
  const labels = typeof onnx.names === 'string' ? pythonNames(onnx.names) : undefined;
  const texts = [
    metadata.description,
    metadata.producer,
    ...Object.entries(onnx).map(([key, value]) => key !== 'names' && value),
  ];
  return {
    ...(typeof onnx.task === 'string' && { task: onnx.task }),
    ...(labels && { labels }),
    description: texts.filter((value) => typeof value === 'string').join(' '),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

const entry = /\s*(?:(\d+)\s*:\s*)?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*(?:,|$)/y;

/** Python's text of a dict from 0, 1, … to names, or of a list of names. Undefined when it is something else. */
export function pythonNames(text: string): string[] | undefined {
  const body = /^\s*[[{]([^]*)[\]}]\s*$/.exec(text)?.[1];
  if (body === undefined) return undefined;
  const names: string[] = [];
  entry.lastIndex = 0;
  while (entry.lastIndex < body.trimEnd().length) {
    const match = entry.exec(body);
    if (!match || names.length > 65536) return undefined;
    if (match[1] !== undefined && Number(match[1]) !== names.length) return undefined;
    names.push((match[2] ?? match[3]).replace(/\\(.)/g, '$1'));
  }
  return names.length > 0 ? names : undefined;
}
