export const imageKernels = {};
