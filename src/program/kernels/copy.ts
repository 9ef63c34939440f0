export const copyKernels = {};
