/** A choice of the model picker. */
export interface Choice {
  name: string;
  /** The network, then its dense twin where there is one: URLs or a file's bytes. */
  sources: (string | Uint8Array)[];
  runs: string[];
}

export const choices: Choice[] = [
  {
    name: 'Faces',
    sources: ['./models/faces.filigree', './models/faces-dense.filigree'],
    runs: ['Zeros skipped', 'Zeros multiplied'],
  },
  { name: 'Objects (23 classes)', sources: ['./models/objects.filigree'], runs: ['Not pruned'] },
];
