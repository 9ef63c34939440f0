// Node itself, as a peer: what every cold start and every peak of memory contains.
import { createRequire } from 'node:module';

const { writeResult, peakMegabytes } = createRequire(import.meta.url)('./exchange.cjs');
writeResult([], { firstResultAt: performance.timeOrigin + performance.now(), megabytes: peakMegabytes() });
