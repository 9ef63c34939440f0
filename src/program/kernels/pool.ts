export const poolKernels = {};
