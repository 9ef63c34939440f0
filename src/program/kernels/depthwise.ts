export const depthwiseKernels = {};
