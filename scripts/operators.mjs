// Writes docs/operators.md, the supported operators of ONNX and TFLite, from the importers' own tables
// (src/import/imported-operator.ts).
//
//   node scripts/operators.mjs           writes the page
//   node scripts/operators.mjs --check   fails when it differs from what would be written
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));
const page = `${root}docs/operators.md`;

const { outputFiles } = await build({
  stdin: {
    contents: `
      export { onnxLimits, onnxOperators } from './onnx/operators/index.ts';
      export { foldedOperators as onnxFolded } from './onnx/arithmetic.ts';
      export { tfliteLimits, tfliteOperators } from './tflite/operators/index.ts';
      export { foldedOperators as tfliteFolded } from './tflite/integers.ts';
      export { operatorNumber } from './tflite/builtin-operators.ts';
      export { operators } from '../ops/index.ts';
    `,
    resolveDir: `${root}src/import`,
    loader: 'ts',
  },
  bundle: true,
  format: 'esm',
  write: false,
});
const source = await import('data:text/javascript;base64,' + Buffer.from(outputFiles[0].contents).toString('base64'));
const onnx = { operators: source.onnxOperators, limits: source.onnxLimits, folded: source.onnxFolded };
const tflite = { operators: source.tfliteOperators, limits: source.tfliteLimits, folded: source.tfliteFolded };

function text() {
  return `# Operators

<!-- Written by scripts/operators.mjs from src/import/onnx/operators and src/import/tflite/operators. Do not edit. -->

The operators that files may hold, the operators of Filigree's graph (\`src/ops\`) that each becomes, and what of it is not
supported. An operator that becomes none passes its input on or is worked out while the file is read. One error lists all
nodes of a file that are not supported.

## ONNX

${bullets(onnx.limits)}

${table(
  ['Operator', 'becomes', 'limits'],
  sorted(onnx.operators).map(([name, { becomes, limits }]) => [code(name), codes(becomes), limits]),
)}

Only on constants, of any type: ${codes(onlyFolded(onnx))}.

## TFLite

${bullets(tflite.limits)}

${table(
  ['Operator', 'number', 'becomes', 'limits'],
  sorted(tflite.operators).map(([name, { becomes, limits }]) => {
    return [code(name), source.operatorNumber(name.replace(/ .*/, '')), codes(becomes), limits];
  }),
)}

Only on integers that are constant or computed of shapes: ${codes(onlyFolded(tflite))}.

## The graph's operators

And the operators of files that mainly become them.

${table(
  ['Operator', 'ONNX', 'TFLite'],
  Object.keys(source.operators)
    .toSorted()
    .map((op) => [code(op), codes(madeBy(onnx, op)), codes(madeBy(tflite, op))]),
)}
`;
}

const code = (name) => `\`${name}\``;
const codes = (names) => names.map(code).join(', ');
const bullets = (texts) => texts.map((text) => `- ${text}`).join('\n');
const sorted = (operators) => [...operators].toSorted(([a], [b]) => (a < b ? -1 : 1));
const onlyFolded = ({ folded, operators }) => folded.filter((name) => !operators.has(name)).toSorted();
const madeBy = ({ operators }, op) =>
  sorted(operators).flatMap(([name, { becomes }]) => (becomes[0] === op ? [name] : []));

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const wanted = text();
const isCurrent = existsSync(page) && readFileSync(page, 'utf8') === wanted;
if (process.argv.includes('--check')) {
  if (!isCurrent) {
    console.error('docs/operators.md is not what scripts/operators.mjs writes: npm run generate');
    process.exitCode = 1;
  }
} else if (!isCurrent) {
  writeFileSync(page, wanted);
  console.log('wrote docs/operators.md');
}
