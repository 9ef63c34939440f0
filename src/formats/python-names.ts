// Names of classes as Ultralytics writes them into its exports: the text of a Python dict or list.

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
