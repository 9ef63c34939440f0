/** Colours by name, for light and for dark; colour-blind people can tell them apart too. */
const light = `--paper: #fff; --ink: #1b1f24; --muted: #6a737d; --rule: #d9dee3; --faint: #f4f6f8; --good: #0a7d4f; --bad: #b3261e;
--before: #a9b4bf; --after: #d1495b; --curve: #3d7ea6; --pointwise: #3d7ea6; --convolution: #d1495b; --depthwise: #2f9e7a;
--grouped: #8d6fb0; --linear: #e0a43a;`;
const dark = `--paper: #14171b; --ink: #e7eaee; --muted: #8f99a4; --rule: #333a42; --faint: #1d2126; --good: #5fd0a0; --bad: #ff8a80;
--before: #5b6670; --after: #ff7a8a; --curve: #62a8d4; --pointwise: #62a8d4; --convolution: #ff7a8a; --depthwise: #56c9a2;
--grouped: #b89ae0; --linear: #f0c060;`;

/** The colours for the elements that `root` selects. */
export const colours = (root: string) =>
  `${root} { ${light} }\n@media (prefers-color-scheme: dark) { ${root} { ${dark} } }`;

export const style = `
${colours(':root')}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 24px 20px 64px; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0.5em 0 0.2em; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; margin: 2em 0 0.6em; padding-top: 0.6em; border-top: 1px solid var(--rule); }
h3 { font-size: 1.05rem; margin: 0 0 0.4em; }
.facts { color: var(--muted); font-size: 0.9rem; margin: 0 0 1.4em; display: flex; flex-wrap: wrap; gap: 0 1.1em; }
.tiles { list-style: none; padding: 0; margin: 0 0 1.4em; display: grid; gap: 10px; grid-template-columns: repeat(auto-fill, minmax(215px, 1fr)); }
.tiles li { background: var(--faint); border-radius: 8px; padding: 10px 14px; }
.tiles b { display: block; font-size: 1.5rem; line-height: 1.3; color: var(--after); font-variant-numeric: tabular-nums; }
.tiles span { font-size: 0.8rem; line-height: 1.3; overflow-wrap: anywhere; }
.notes { font-size: 0.9rem; overflow-wrap: anywhere; }
figure { margin: 0 0 2.4em; }
figcaption { color: var(--muted); font-size: 0.85rem; max-width: 46em; margin-top: 0.4em; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 0.85rem; margin: 0 0 0.6em; }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 2px; background: var(--key); margin-right: 6px; vertical-align: -1px; }
svg { display: block; max-width: 100%; height: auto; color: var(--ink); }
svg text { white-space: pre; }
svg g[aria-label$='grid'] { stroke: var(--rule); stroke-opacity: 1; }
.narrow { display: none; }
@media (max-width: 720px) { .wide { display: none; } .narrow { display: block; } h1 { font-size: 1.5rem; } main { padding: 12px 12px 40px; } }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.84rem; width: 100%; }
td, th { text-align: right; padding: 5px 0 5px 14px; border-bottom: 1px solid var(--rule); vertical-align: top; white-space: nowrap; font-variant-numeric: tabular-nums; }
th { vertical-align: bottom; }
td.text, th.text { text-align: left; white-space: normal; min-width: 10em; max-width: 22em; overflow-wrap: anywhere; }
td:first-child, th:first-child { padding-left: 0; position: sticky; left: 0; background: var(--paper); }
td small { color: var(--muted); display: block; }
details > summary { cursor: pointer; margin: 2em 0 1em; padding-top: 0.6em; border-top: 1px solid var(--rule); }
details > summary h2 { display: inline; border: 0; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 4px 12px; margin: 0 0 18px; }
.pair svg { width: 100%; border-radius: 6px; }
.pair p { margin: 4px 0 0; font-size: 0.85rem; line-height: 1.3; overflow-wrap: anywhere; }
@media print { .scroll { overflow: visible; } }
`;
