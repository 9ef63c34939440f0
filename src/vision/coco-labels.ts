// The object classes of COCO (https://cocodataset.org).

/** The 80 classes that are annotated, in the order of their ids: what YOLO models are trained on. */
export const coco80: readonly string[] = (
  'person|bicycle|car|motorcycle|airplane|bus|train|truck|boat|traffic light|fire hydrant|stop sign|parking meter|' +
  'bench|bird|cat|dog|horse|sheep|cow|elephant|bear|zebra|giraffe|backpack|umbrella|handbag|tie|suitcase|frisbee|skis|' +
  'snowboard|sports ball|kite|baseball bat|baseball glove|skateboard|surfboard|tennis racket|bottle|wine glass|cup|' +
  'fork|knife|spoon|bowl|banana|apple|sandwich|orange|broccoli|carrot|hot dog|pizza|donut|cake|chair|couch|' +
  'potted plant|bed|dining table|toilet|tv|laptop|mouse|remote|keyboard|cell phone|microwave|oven|toaster|sink|' +
  'refrigerator|book|clock|vase|scissors|teddy bear|hair drier|toothbrush'
).split('|');

/** Ids from 1 to 90 that have no annotations. */
const unused = new Set([12, 26, 29, 30, 45, 66, 68, 69, 71, 83]);

/** Ids 1 to 90, as TensorFlow's object detection models number them, counted from 0; unused ones are `class 11`, … */
export const coco90: readonly string[] = Array.from({ length: 90 }, (_, i) => i + 1).map((id) => {
  const before = [...unused].filter((other) => other < id).length;
  return unused.has(id) ? `class ${id - 1}` : coco80[id - 1 - before];
});
