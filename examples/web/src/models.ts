/** A choice of the model picker. */
export interface Choice {
  name: string;
  /** The network, then its dense twin where there is one: URLs, or files' bytes. */
  sources: (string | Uint8Array)[];
  /** What each of them does. */
  runs: string[];
  /** The sample that is shown first. */
  sample: string;
  /** What to know about it, in a sentence or two. */
  about?: string;
}

export const pair = ['Skipping zeros', 'Multiplying zeros'];
export const single = ['This network'];

export const choices: Choice[] = [
  {
    name: 'Faces',
    sources: ['./models/faces.filigree.gz', './models/faces-dense.filigree.gz'],
    runs: pair,
    sample: 'crew',
    about:
      'MediaPipe’s network, which Google published with two thirds of its weights zero. Both sides run the same weights.',
  },
  {
    name: 'Objects of 80 kinds',
    sources: ['./models/objects.filigree.gz'],
    runs: single,
    sample: 'street',
    about:
      'PicoDet, dense, in eight bits. It runs alone: pruned versions that we trained find less than a smaller dense network ' +
      'does in the same time, so none ships. Prune a network of yours below.',
  },
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
