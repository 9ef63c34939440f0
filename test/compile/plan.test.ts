import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planMemory } from '../../src/compile/plan.ts';
import type { Allocation } from '../../src/compile/plan.ts';

const pieces = fc.array(
  fc
    .record({ bytes: fc.integer({ min: 1, max: 5000 }), first: fc.nat(30), length: fc.nat(10) })
    .map(({ bytes, first, length }): Allocation => ({ bytes, first, last: first + length })),
  { maxLength: 40 },
);

describe('planned memory', () => {
  it('never gives the same bytes to two pieces that are needed at once', () => {
    fc.assert(
      fc.property(pieces, (list) => {
        const { offsets, bytes } = planMemory(list);
        list.forEach((a, i) => {
          expect(offsets[i] % 64).toBe(0);
          expect(offsets[i] + a.bytes).toBeLessThanOrEqual(bytes);
          list.slice(0, i).forEach((b, j) => {
            const together = a.first <= b.last && b.first <= a.last;
            const apart = offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i];
            expect(!together || apart).toBe(true);
          });
        });
      }),
    );
  });

  it('reuses memory along a chain: two buffers for any length', () => {
    const chain = Array.from({ length: 20 }, (_, i): Allocation => ({ bytes: 640, first: i, last: i + 1 }));
    expect(planMemory(chain).bytes).toBe(1280);
  });
});
