// Detection heads' work per anchor.
import { kernel } from '../kernel.ts';

/** Bytes before the tables that f32_best_class writes: the number of anchors found, then padding. */
export const foundHeaderBytes = 16;

/** Vectors of 4 floats are loaded even where fewer matter. */
const overRead = 12;

export const detectKernels = {
  /**
   * Finds the anchors whose best class has a score that reaches a threshold, in order, at most `most` of them. The best
   * class is the first of largest value; NaN is ignored. Its score is f(value), times f(objectness) if there is one; f
   * is the identity or a sigmoid. Anchors whose best value is below `floor` are skipped.
   *
   *   y   | found u32 | – | anchor u32 × most | class u32 × most | score f32 × most |
   */
  f32_best_class: kernel({
    family: 'detect',
    record: 'BestClassRecord',
    standalone: true,
    fields: {
      x: 'read', // the first class of the first anchor
      objectness: 'read', // objectness of the first anchor, `anchorStep` to the next; ignored without hasObjectness
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
      if (!n.anchors || !n.classes) throw new Error('an extent is 0');
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
