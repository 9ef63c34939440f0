// Reads class names as Ultralytics writes them into its exports: a Python dict or list as text.

const entry = /\s*(?:(\d+)\s*:\s*)?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*(?:,|$)/y;

/** Parses a Python dict from 0, 1, … to names, or a list of names. Undefined for other text. */
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
