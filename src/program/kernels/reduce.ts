export const reduceKernels = {};
