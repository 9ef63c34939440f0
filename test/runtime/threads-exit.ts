// Run by threads.test.ts: loads a model on threads, runs it, and leaves it there.
import { writeArtifact } from '../../src/artifact/write.ts';
import { defaultCostModel } from '../../src/lower/cost.ts';
import { lowerGraph } from '../../src/compile/lower-graph.ts';
import { loadModel } from '../../src/runtime/load.ts';
import { nodeHost } from '../../src/runtime/threads/node.ts';
import { Tensor } from '../../src/tensor.ts';
import { oneNode } from '../program.ts';

const artifact = writeArtifact(lowerGraph(oneNode('unary', { fn: 'exp' }, [[64, 4096]], []), defaultCostModel));
const takesPart = process.argv[2] === 'true';
const model = await loadModel(artifact, { threads: 2, threadHost: { ...nodeHost, takesPart } });
await model.run({ x0: new Tensor('float32', [64, 4096], new Float32Array(64 * 4096)) });
process.stdout.write('ran\n');
