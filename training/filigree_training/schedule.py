"""What changes with progress, which runs from 0 to 1."""

from __future__ import annotations

import math


def cubic(progress: float, first: float, last: float, until: float) -> float:
    """The share of zeros: from `first` to `last` at progress `until`, fast at the beginning (Zhu and Gupta 2017, arXiv 1710.01878)."""
    if progress >= until:
        return last
    return last + (first - last) * (1 - max(0.0, progress) / until) ** 3


def prunings(first: float, last: float, until: float, count: int) -> list[tuple[float, float]]:
    """(progress, share of zeros) of `count` prunings: at equal distances, the shares on the cubic curve; the first at 0."""
    if count <= 1 or first >= last:
        return [(0.0, last)]
    times = [until * k / (count - 1) for k in range(count)]
    return [(t, cubic(t, first, last, until)) for t in times]


def learning_rate(progress: float, peak: float, warm: float, final: float) -> float:
    """Linear warm-up from a twentieth over the first `warm`, then a cosine down to `final` · peak (Loshchilov and Hutter 2017)."""
    if progress < warm:
        return peak * (0.05 + 0.95 * progress / warm)
    t = min(1.0, (progress - warm) / (1 - warm))
    return peak * (final + (1 - final) * (1 + math.cos(math.pi * t)) / 2)
