// What kernels cost on the engines people run. `filigree tune --cost-model src/lower/cost-models/NAME.json` measures one anew.
import type { CostModel } from './cost-model.ts';
import type { EngineName } from './engine-names.ts';
import javascriptcore from './cost-models/javascriptcore.json' with { type: 'json' };
import v8 from './cost-models/v8.json' with { type: 'json' };
import v8_11 from './cost-models/v8-11.json' with { type: 'json' };

export const costModels: Record<EngineName, CostModel> = { v8, 'v8-11': v8_11, javascriptcore };

export const defaultCostModel: CostModel = v8;
