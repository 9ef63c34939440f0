import type { StepCost } from '../lower/lowering.ts';
import type { KernelArguments, KernelName } from '../program/kernels.ts';
import type { ProgramLayer, Step } from '../program/program.ts';

const maxSteps = 2 ** 17;

/** The steps of a program under construction. */
export class StepList {
  readonly steps: Step[] = [];

  /** Adds a step to the layer of that index, and its cost to the layer's; see Lowering.emit. */
  emit<K extends KernelName>(
    layer: ProgramLayer,
    index: number,
    kernel: K,
    args: KernelArguments<K>,
    cost?: StepCost,
  ): void {
    const none = Object.entries(args).find(([, value]) => Number.isNaN(value))?.[0];
    if (none) throw new Error(`${none} is not a number`);
    if (this.steps.length === maxSteps) throw new Error(`more than ${maxSteps} steps`);
    this.steps.push({ kernel, layer: index, arguments: args as Step['arguments'] });
    layer.macs += cost?.macs ?? 0;
    layer.effectiveMacs += cost?.effectiveMacs ?? cost?.macs ?? 0;
    // over all steps of a layer: a convolution with groups has one step for each
    if (cost?.sparsity !== undefined) layer.sparsity = 1 - layer.effectiveMacs / layer.macs;
  }
}
