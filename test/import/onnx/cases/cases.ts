// Small models, one for every operator and opset that makes a difference.
import type { AttributeValue, OnnxBuilder } from '../model.ts';

export interface OperatorCase {
  title: string;
  opset: number;
  /** Gives the names of the outputs. */
  build: (model: OnnxBuilder) => string | string[];
  /** Of the largest magnitude; default 1e-5. */
  tolerance?: number;
  /** The operators that the graph must have. */
  ops?: string[];
}

export type Attributes = Record<string, AttributeValue>;

/** A shape that many cases use. */
export const image = [1, 4, 9, 7];

export class Cases {
  readonly list: OperatorCase[] = [];

  readonly add = (
    title: string,
    opsets: number | readonly number[],
    build: OperatorCase['build'],
    more: Partial<OperatorCase> = {},
  ): void => {
    for (const opset of [opsets].flat()) this.list.push({ title, opset, build, ...more });
  };
}
