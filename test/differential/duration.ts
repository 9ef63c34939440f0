// How long random tests go on: a fixed seed and a few seconds as part of the suite; with FILIGREE_DIFFERENTIAL_MINUTES for so
// long, from another seed each time or from FILIGREE_DIFFERENTIAL_SEED.
import process from 'node:process';

const given = Number(process.env.FILIGREE_DIFFERENTIAL_MINUTES ?? 0);

export const duration = { minutes: given, networks: 180 };

export const startSeed = Number(
  process.env.FILIGREE_DIFFERENTIAL_SEED ?? (given > 0 ? Math.floor(Math.random() * 1e9) : 1),
);
