// A process that does shards of a bulk run; `filigree detect --jobs` starts it.
import { serveShards } from '../bulk/worker.ts';
import { createLooker, type LookerSettings } from './looker.ts';

serveShards<LookerSettings>(createLooker);
