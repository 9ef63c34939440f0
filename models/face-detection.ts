// The model of `filigree detect`: Google's sparse full-range face detector. The build compiles it from the npm package that
// publishes it.

export const faceDetection = {
  /** File name of the artifact, less its extension. */
  name: 'face-detection',
  source: {
    package: '@mediapipe/face_detection',
    version: '0.4.1657300184',
    file: 'face_detection_full_range_sparse.tflite',
  },
  /** Stored in the artifact's metadata beside the result of recogniseVision (src/vision/recognise.ts). */
  metadata: {
    title: 'MediaPipe face detection, full range, sparse',
    license: 'Apache-2.0',
    copyright: 'The MediaPipe Authors',
    homepage: 'https://www.npmjs.com/package/@mediapipe/face_detection',
    paper: 'https://arxiv.org/abs/1907.05047',
  },
} as const;
