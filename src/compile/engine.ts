import { costModels } from '../lower/cost-models.ts';
import type { CostModel } from '../lower/cost-model.ts';
import type { EngineName } from '../lower/engine-names.ts';
import { prefersWideTiles } from '../runtime/engine.ts';

/** @param engine `this`: the class of the engine that compiles */
export function costModelOf(engine: EngineName | 'this'): CostModel {
  return costModels[engine === 'this' ? thisEngine() : engine];
}

/** The class of the engine that runs this, told by what it knows and by how it writes stacks. */
function thisEngine(): EngineName {
  if (!prefersWideTiles()) return 'v8-11';
  const isV8 = new Error().stack?.startsWith('Error') ?? false;
  return isV8 || 'InternalError' in globalThis ? 'v8' : 'javascriptcore';
}
