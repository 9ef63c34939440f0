/**
 * Classes of engines that need different choices. `v8`: since Node 24 and Chromium 136, with wide tiles and fused multiply-adds. `v8-11`: that of
 * Node 20, which spills wide tiles and has no relaxed SIMD. `javascriptcore`: Safari, Bun. SpiderMonkey (Firefox) counts as `v8`: it was not measured.
 */
export const engineNames = ['v8', 'v8-11', 'javascriptcore'] as const;
export type EngineName = (typeof engineNames)[number];
