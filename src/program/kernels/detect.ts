// What a detection head does for every anchor.
import { kernel } from '../kernel.ts';

/** Bytes before the tables that f32_best_class writes: how many anchors it found, and nothing. */
export const foundHeaderBytes = 16;

/** Vectors of 4 floats are loaded also where fewer count. */
const overRead = 12;

export const detectKernels = {
  /**
   * Finds the anchors whose best class has a score that reaches a threshold, in their order, `most` of them at most.
   * The best class is the first of largest value; NaN is no value. Its score is f(value), times f(objectness) if there
   * is one, f being the identity or a sigmoid. Anchors whose best value is under `floor` are passed over.
   *
   *   y   | found u32 | – | anchor u32 × most | class u32 × most | score f32 × most |
   */
  f32_best_class: kernel({
    family: 'detect',
    record: 'BestClassRecord',
    standalone: true,
    fields: {
      x: 'read', // the first class of the first anchor
      objectness: 'read', // of the first anchor, `anchorStep` to the next; anything without hasObjectness
      y: 'write',
      anchors: 'u32',
      classes: 'u32',
      anchorStep: 'u32', // bytes from one anchor and one class to the next; one of them is 4
      classStep: 'u32',
      hasObjectness: 'u32',
      sigmoid: 'u32',
      floor: 'f32',
      threshold: 'f32',
      most: 'u32',
    },
    extents(n) {
      if (!n.anchors || !n.classes) throw new Error('an empty extent');
      if (n.anchorStep !== 4 && n.classStep !== 4) throw new Error('neither anchors nor classes are 4 bytes apart');
      const anchors = (n.anchors - 1) * n.anchorStep + 4;
      return {
        x: anchors + (n.classes - 1) * n.classStep + overRead,
        objectness: n.hasObjectness ? anchors : 0,
        y: foundHeaderBytes + 12 * n.most,
      };
    },
    work: (n) => n.anchors * n.classes,
  }),
};
