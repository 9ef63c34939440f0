export const resizeKernels = {};
