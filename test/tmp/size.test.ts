import { it } from 'vitest';
import { readFileSync } from 'node:fs';
import { importModel, compileGraph } from '../../src/compile/index.ts';
import { writeArtifact } from '../../src/artifact/write.ts';
import { operators } from '../../src/ops/index.ts';
import { faceModels } from '../models/published.ts';
const rz: any = operators.resize;
rz.infer = (a: any, [x]: any) => [[x.shape[0], x.shape[1], ...a.size]];
rz.lower = () => {};
it('size', () => {
  const g = importModel(readFileSync(faceModels.sparse), 'f');
  console.log(
    g.nodes.slice(0, 3).map((n) => n.name),
    g.notes,
    Object.keys(g.metadata),
  );
  const p = compileGraph(g);
  const a = writeArtifact(p);
  const n = Number(new DataView(a.buffer).getBigUint64(0, true));
  console.log('header', n, 'total', a.length);
  const by: any = {};
  for (const b of p.buffers)
    if (b.kind === 'constant') {
      const c: any = b.constant;
      for (const k of ['data', 'values', 'gaps', 'counts', 'bias'])
        if (c[k])
          by[c.form + '.' + k + '.' + c[k].constructor.name] =
            (by[c.form + '.' + k + '.' + c[k].constructor.name] ?? 0) + c[k].byteLength;
    }
  console.log(by);
  console.log(p.notes);
});
