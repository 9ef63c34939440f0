/** A choice of the model picker. */
export interface Choice {
  name: string;
  /** The network, then its dense twin where there is one: URLs, or files' bytes. */
  sources: (string | Uint8Array)[];
  /** What each of them does. */
  runs: string[];
  /** The sample that is shown first. */
  sample: string;
}

export const pair = ['Skipping zeros', 'Multiplying zeros'];
export const single = ['This network'];

export const choices: Choice[] = [
  {
    name: 'Faces',
    sources: ['./models/faces.filigree.gz', './models/faces-dense.filigree.gz'],
    runs: pair,
    sample: 'crew',
  },
  { name: 'Objects of 80 kinds', sources: ['./models/objects.filigree.gz'], runs: single, sample: 'street' },
];

/** To try pruning with: too large to lie beside the page. */
export const sampleNetwork = {
  name: 'face_detection_full_range.tflite',
  url: 'https://cdn.jsdelivr.net/npm/@mediapipe/face_detection@0.4.1657300184/face_detection_full_range.tflite',
};

/** public/samples/CREDITS.md says whose they are. */
export const samples = [
  { name: 'crew', shows: 'Three astronauts' },
  { name: 'street', shows: 'A street with taxis' },
  { name: 'players', shows: 'Soccer players' },
  { name: 'dog', shows: 'A woman and a dog' },
  { name: 'table', shows: 'A table with a cup' },
];

export const sampleUrl = (name: string) => `./samples/${name}.jpg`;
