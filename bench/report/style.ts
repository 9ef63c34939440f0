// The report's stylesheet. Colour-blind readers can tell the colours of runtimes and layers apart (Okabe and Ito's palette,
// darker or lighter by scheme).
export const style = `
:root {
  --paper: #fff; --ink: #1b1f24; --muted: #6a737d; --rule: #d9dee3; --faint: #f4f6f8; --good: #0a7d4f; --bad: #b3261e;
  --filigree: #d1495b; --tfjs-tflite: #3d7ea6; --litert: #7fb3d3; --tfjs-wasm: #e0a43a; --onnxruntime: #8d6fb0;
  --floor: #3b4754; --pointwise: #3d7ea6; --shifted: #d1495b; --depthwise: #2f9e7a; --other: #e0a43a;
  --c1: #d1495b; --c2: #3d7ea6; --c3: #2f9e7a; --c4: #e0a43a; --c5: #8d6fb0; --c6: #7fb3d3; --c7: #14213d; --c8: #b5651d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --ink: #e7eaee; --muted: #8f99a4; --rule: #333a42; --faint: #1d2126; --good: #5fd0a0; --bad: #ff8a80;
    --filigree: #ff7a8a; --tfjs-tflite: #62a8d4; --litert: #a9d0ea; --tfjs-wasm: #f0c060; --onnxruntime: #b89ae0;
    --floor: #aab4bf; --pointwise: #62a8d4; --shifted: #ff7a8a; --depthwise: #56c9a2; --other: #f0c060;
    --c1: #ff7a8a; --c2: #62a8d4; --c3: #56c9a2; --c4: #f0c060; --c5: #b89ae0; --c6: #a9d0ea; --c7: #d5e1ff; --c8: #dd9a5b;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 24px 20px 64px; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0.5em 0 0.2em; }
h2 { font-size: 1.35rem; margin: 2em 0 0.6em; padding-top: 0.6em; border-top: 1px solid var(--rule); }
h3 { font-size: 1.05rem; margin: 0 0 0.4em; }
.facts { color: var(--muted); font-size: 0.9rem; margin: 0; display: flex; flex-wrap: wrap; gap: 0 1.1em; }
.tiles { list-style: none; padding: 0; margin: 0; display: grid; gap: 10px; grid-template-columns: repeat(auto-fill, minmax(225px, 1fr)); }
.tiles li { background: var(--faint); border-radius: 8px; padding: 10px 14px; display: flex; gap: 12px; align-items: center; }
.tiles b { font-size: 1.5rem; color: var(--filigree); font-variant-numeric: tabular-nums; min-width: 3.2em; }
.tiles span { font-size: 0.8rem; line-height: 1.3; }
figure { margin: 0 0 2.4em; }
figcaption { color: var(--muted); font-size: 0.85rem; max-width: 46em; margin-top: 0.4em; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 0.85rem; margin: 0 0 0.6em; }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 2px; background: var(--key); margin-right: 6px; vertical-align: -1px; }
.legend i.hatched { background: repeating-linear-gradient(45deg, var(--key) 0 3px, var(--paper) 3px 6px); }
.three { display: grid; grid-template-columns: 1fr; gap: 0 28px; }
svg { display: block; max-width: 100%; height: auto; color: var(--ink); }
svg text { white-space: pre; }
svg g[aria-label$='grid'] { stroke: var(--rule); stroke-opacity: 1; }
.narrow { display: none; }
@media (max-width: 720px) { .wide { display: none; } .narrow { display: block; } h1 { font-size: 1.6rem; } }
select { font: inherit; color: inherit; background: var(--faint); border: 1px solid var(--rule); border-radius: 6px; padding: 4px 8px; max-width: 100%; }
.panel p { margin: 0 0 0.3em; font-size: 0.85rem; color: var(--muted); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.88rem; width: 100%; }
td, th { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
td:nth-child(2), td:nth-child(3), td:nth-child(4) { font-variant-numeric: tabular-nums; white-space: nowrap; }
.met td:nth-child(5) { color: var(--good); }
.missed td:nth-child(5) { color: var(--bad); font-weight: 600; }
td:nth-child(5) { white-space: nowrap; }
.not-measured { color: var(--muted); }
summary { cursor: pointer; font-weight: 600; margin-bottom: 0.5em; }
code { background: var(--faint); padding: 1px 5px; border-radius: 4px; }
`;
