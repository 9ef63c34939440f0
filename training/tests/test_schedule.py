import math
from itertools import pairwise

import pytest

from filigree_training.schedule import cubic, learning_rate, prunings


def test_cubic_grows_fast_at_first() -> None:
    shares = [cubic(k / 10, 0.2, 0.8, 0.5) for k in range(11)]
    assert shares[0] == pytest.approx(0.2)
    assert shares[5:] == [0.8] * 6
    steps = [b - a for a, b in pairwise(shares[:6])]
    assert all(a > b > 0 for a, b in pairwise(steps))


def test_prunings_lie_on_the_curve() -> None:
    due = prunings(0.3, 0.7, 0.4, 5)
    assert [t for t, _ in due] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert [s for _, s in due] == pytest.approx([cubic(t, 0.3, 0.7, 0.4) for t, _ in due])
    assert due[-1][1] == 0.7
    assert prunings(0.5, 0.5, 0.4, 5) == [(0.0, 0.5)]


def test_rate_warms_up_and_falls_as_a_cosine() -> None:
    rates = [learning_rate(k / 1000, 1.0, 0.05, 0.01) for k in range(1001)]
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) == 50
    assert rates[-1] == pytest.approx(0.01)
    assert rates[525] == pytest.approx(0.01 + 0.99 * (1 + math.cos(math.pi / 2)) / 2)
    assert all(a >= b for a, b in pairwise(rates[50:]))
