/** Ways to share out the zeros to layers, as users write them. */
export const distributions = ['uniform', 'erk', 'search'] as const;

export type DistributionName = (typeof distributions)[number];
