// What a network does last, between its last layers with weights and an output: known while a file is compiled. It tells
// apart outputs of one name and shape.

export interface OutputTail {
  /** Operators on the way: `sigmoid`, `softmax`, `exp`, `concat` … */
  readonly operators: ReadonlySet<string>;
  /**
   * For each axis of the output where parts that are computed apart meet along it: elements before the meeting place. Of
   * YOLOv8-pose [1, 56, anchors] axis 1 has [4, 5]: box, score, keypoints.
   */
  readonly seams: readonly (readonly number[])[];
  /** Something on the way is multiplied by 100: scores in percent. */
  readonly percent: boolean;
}

/** By the outputs' names. */
export type OutputTails = ReadonlyMap<string, OutputTail>;
