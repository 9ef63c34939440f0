// `filigree/compile`: ONNX and TFLite files to artifacts. Nothing that runs networks loads it.
export { compileGraph, compileModel, importModel, tuneGraph, tuneModel } from './compile/compile.ts';
export type { CompileOptions } from './compile/compile.ts';
export { writeArtifact } from './artifact/write.ts';
export { Calibration } from './compile/calibrate.ts';
export { defaultCostModel, predictLayers } from './lower/cost.ts';
export type { Range, Ranges } from './lower/ranges.ts';
export type { OnnxOptions } from './import/onnx/index.ts';
export type { CostModel } from './lower/cost-model.ts';
export type { LinearWeights } from './lower/lowering.ts';
export { weightTypes } from './compile/rounding.ts';
export type { WeightType } from './compile/rounding.ts';
export { measureCostModel } from './compile/tuning/measure-cost-model.ts';
export type { CostModelOptions } from './compile/tuning/measure-cost-model.ts';
export { parseCostModel } from './lower/check-cost-model.ts';
export type { TunedLayer, TuneOptions, Tuning } from './compile/tuning/tune.ts';
export { exportOnnx } from './export/onnx/index.ts';
export type { OnnxExportOptions } from './export/onnx/index.ts';
export { trimWasm } from './compile/trim.ts';
