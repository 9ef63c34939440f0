// The frame of reports: one HTML page that loads nothing.
import { escape } from './chart.ts';
import { style as ownStyle } from './style.ts';

/** Parts that are empty are left out. `title` is text, `parts` are HTML. */
export function htmlPage(title: string, parts: readonly string[], style = ownStyle): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
${parts.filter((part) => part).join('\n')}
</main>
</body>
</html>
`;
}

/** Results, in large figures. */
export function figureTiles(items: readonly (readonly [figure: string, text: string])[]): string {
  const list = items.map(([figure, text]) => `<li><b>${escape(figure)}</b><span>${escape(text)}</span></li>`);
  return `<ul class="tiles">${list.join('')}</ul>`;
}

/** Short facts, in a row. */
export function factLine(texts: readonly string[]): string {
  return `<p class="facts">${texts.map((text) => `<span>${escape(text)}</span>`).join('')}</p>`;
}
