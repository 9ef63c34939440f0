// Where a box is and how it moves: the Kalman filter of SORT and ByteTrack (Wojke et al., arXiv 1703.07402, constants of
// their code). The state is centre, aspect ratio and height with their velocities. Their noises are independent of one
// another, so it is four filters of one position and one velocity each.
import type { Detection } from './detection.ts';

type Box = Detection['box'];

/** Deviations of a position and a velocity, as parts of the box's height, per frame. */
const positionNoise = 1 / 20;
const velocityNoise = 1 / 160;

/** A position and its velocity per frame, with their covariance [[a, b], [b, c]]. */
class Coordinate {
  position: number;
  velocity = 0;
  private a: number;
  private b = 0;
  private c: number;

  constructor(position: number, positionDeviation: number, velocityDeviation: number) {
    this.position = position;
    this.a = positionDeviation ** 2;
    this.c = velocityDeviation ** 2;
  }

  predict(frames: number, positionDeviation: number, velocityDeviation: number): void {
    this.position += frames * this.velocity;
    this.a += frames * (2 * this.b + frames * this.c) + frames * positionDeviation ** 2;
    this.b += frames * this.c;
    this.c += frames * velocityDeviation ** 2;
  }

  update(measured: number, deviation: number): void {
    const sum = this.a + deviation ** 2;
    const [gain, velocityGain] = [this.a / sum, this.b / sum];
    const missing = measured - this.position;
    this.position += gain * missing;
    this.velocity += velocityGain * missing;
    this.c -= velocityGain * this.b;
    this.b -= gain * this.b;
    this.a -= gain * this.a;
  }
}

/** The filtered box of one object. Times are in frames: of a video of 30 a second. */
export class BoxFilter {
  private readonly x: Coordinate;
  private readonly y: Coordinate;
  private readonly aspect: Coordinate;
  private readonly height: Coordinate;

  constructor(box: Box) {
    const { x, y, aspect, height } = centred(box);
    const [position, velocity] = [2 * positionNoise * height, 10 * velocityNoise * height];
    this.x = new Coordinate(x, position, velocity);
    this.y = new Coordinate(y, position, velocity);
    this.height = new Coordinate(height, position, velocity);
    this.aspect = new Coordinate(aspect, 1e-2, 1e-5);
  }

  /** Moves on. An object that is not seen keeps its size. */
  predict(frames: number, isSeen: boolean): void {
    if (!isSeen) this.height.velocity = 0;
    const height = this.height.position;
    for (const of of [this.x, this.y, this.height]) of.predict(frames, positionNoise * height, velocityNoise * height);
    this.aspect.predict(frames, 1e-2, 1e-5);
  }

  update(box: Box): void {
    const { x, y, aspect, height } = centred(box);
    const deviation = positionNoise * this.height.position;
    this.x.update(x, deviation);
    this.y.update(y, deviation);
    this.height.update(height, deviation);
    this.aspect.update(aspect, 1e-1);
  }

  get box(): Box {
    const height = Math.max(this.height.position, 1e-3);
    const width = Math.max(this.aspect.position, 1e-3) * height;
    const [xmin, ymin] = [this.x.position - width / 2, this.y.position - height / 2];
    return { xmin, ymin, xmax: xmin + width, ymax: ymin + height };
  }
}

function centred({ xmin, ymin, xmax, ymax }: Box) {
  const height = ymax - ymin;
  return { x: (xmin + xmax) / 2, y: (ymin + ymax) / 2, aspect: (xmax - xmin) / height, height };
}
