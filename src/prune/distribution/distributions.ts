/** Ways to distribute zeros to layers, by the names that users write. */
export const distributions = ['uniform', 'erk', 'search'] as const;

export type DistributionName = (typeof distributions)[number];
