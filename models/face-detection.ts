// The model that `filigree detect` uses: Google's sparse full-range face detector, compiled by the build from the npm
// package it is published in.

export const faceDetection = {
  /** File name of the artifact, less its extension. */
  name: 'face-detection',
  source: {
    package: '@mediapipe/face_detection',
    version: '0.4.1657300184',
    file: 'face_detection_full_range_sparse.tflite',
  },
  /** Goes into the artifact's metadata beside what recogniseVision (src/vision/recognise.ts) finds. */
  metadata: {
    title: 'MediaPipe face detection, full range, sparse',
    license: 'Apache-2.0',
    copyright: 'The MediaPipe Authors',
    homepage: 'https://www.npmjs.com/package/@mediapipe/face_detection',
    paper: 'https://arxiv.org/abs/1907.05047',
  },
} as const;
