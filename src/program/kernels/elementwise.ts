export const elementwiseKernels = {};
