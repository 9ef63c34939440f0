import { isObject } from '../formats/json-object.ts';
import { FiligreeError } from '../errors.ts';
import type { CostModel } from './cost-model.ts';

/**
 * Parses the text of a cost model's file.
 * @param file name of the file, at the start of messages
 * @throws FiligreeError `invalid-argument` naming the entry that `filigree tune --cost-model` would not write
 */
export function parseCostModel(text: string, file: string): CostModel {
  const fail = (what: string): never => {
    throw new FiligreeError(
      'invalid-argument',
      `${file}: ${what}; "filigree tune --cost-model FILE" writes cost models`,
    );
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return fail(`not JSON: ${(error as Error).message}`);
  }
  if (!isObject(json)) return fail('not a cost model');
  for (const field of ['peak', 'l1Bytes', 'cacheBytes']) {
    if (!(isCost(json[field]) && json[field] > 0)) fail(`${field} must be a positive number`);
  }
  if (!['boolean', 'undefined'].includes(typeof json.wideTiles)) fail('wideTiles must be true or false');
  const { costs } = json;
  if (!isObject(costs) || !isObject(costs.other)) return fail('costs.other is missing');
  for (const [kernel, counts] of Object.entries(costs)) {
    if (!isObject(counts)) return fail(`costs.${kernel} must be an object`);
    for (const [count, cost] of Object.entries(counts)) {
      if (!isCost(cost)) fail(`costs.${kernel}.${count} must be a number from 0`);
    }
  }
  return json as unknown as CostModel;
}

const isCost = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < Infinity;
