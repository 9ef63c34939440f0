"""Second-order pruning against plain linear algebra."""

import pytest
import torch

from filigree_training.patterns import Pattern, pattern_named
from filigree_training.second_order import Trace, allocate, damped, refitted, removed, small_inverse, trace


def layer(rows: int = 8, columns: int = 16) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    x = torch.randn(200, columns) @ torch.randn(columns, columns)
    return torch.randn(rows, columns), x.T @ x / len(x), torch.rand(rows) + 0.5


def loss(weights: torch.Tensor, w: torch.Tensor, h: torch.Tensor, g: torch.Tensor, damping: float) -> float:
    d = (weights - w).double()
    return float((g.double() * ((d @ damped(h, damping)) * d).sum(1)).sum() / 2)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_small_inverse(size: int) -> None:
    torch.manual_seed(0)
    m = torch.randn(5, 3, size, size + 2, dtype=torch.double)
    m = m @ m.mT + 0.1 * torch.eye(size)
    torch.testing.assert_close(small_inverse(m), torch.linalg.inv(m))


@pytest.mark.parametrize("name", ["unstructured", "group4", "1x4", "2x4"])
def test_the_first_block_is_the_cheapest_and_its_error_the_loss(name: str) -> None:
    pattern = pattern_named(name)
    w, h, g = layer()
    t = trace(w, torch.ones_like(w), h, g, pattern, 0.5, 0.01)
    for group in range(8 // pattern.rows):
        each = []
        for block in range(16 // pattern.columns):
            keep = torch.ones(8 // pattern.rows, 16 // pattern.columns)
            keep[group, block] = 0
            mask = pattern.spread(keep)
            each.append(loss(refitted(w, mask, h, pattern, 0.01), w, h, g, 0.01))
        assert int(t.order[group, 0]) == int(torch.tensor(each).argmin())
        assert float(t.errors[group, 0]) == pytest.approx(min(each), rel=1e-4)


def test_errors_add_up() -> None:
    """The sum of a trace's errors is the loss of the refitted layer: greedy elimination is exact for the blocks that it chose."""
    pattern = pattern_named("1x4")
    w, h, g = layer()
    t = trace(w, torch.ones_like(w), h, g, pattern, 0.75, 0.01)
    mask = removed(t, torch.full((8,), 3), pattern, (8, 16))
    assert pattern.holds(mask)
    assert float(mask.mean()) == pytest.approx(0.25)
    assert float(t.errors[:, :3].sum()) == pytest.approx(loss(refitted(w, mask, h, pattern, 0.01), w, h, g, 0.01), rel=1e-4)


def test_refitting_is_least_squares() -> None:
    w, h, g = layer()
    mask = (torch.rand_like(w) > 0.5).float()
    fitted = refitted(w, mask, h, Pattern("unstructured"), 0.01)
    assert torch.equal(fitted * (1 - mask), torch.zeros_like(w))
    best = loss(fitted, w, h, g, 0.01)
    assert best < loss(w * mask, w, h, g, 0.01)
    for _ in range(10):
        assert best <= loss(fitted + 0.01 * torch.randn_like(w) * mask, w, h, g, 0.01)


def test_zeros_stay() -> None:
    pattern = pattern_named("group4")
    w, h, g = layer()
    keep = torch.ones(2, 16)
    keep[0, [3, 7]] = 0
    t = trace(w * pattern.spread(keep), pattern.spread(keep), h, g, pattern, 0.5, 0.01)
    assert set(t.order[0, :2].tolist()) == {3, 7}
    assert torch.equal(t.errors[0, :2], torch.zeros(2, dtype=torch.double))


def test_layers_share_by_loss_for_each_cost() -> None:
    cheap = Trace(torch.arange(4)[None], torch.tensor([[1.0, 2, 3, 4]]))
    dear = Trace(torch.arange(4)[None], torch.tensor([[1.0, 2, 30, 40]]))
    counts = allocate([cheap, dear], [1.0, 2.0], [4.0, 8.0], 0.5)
    assert [c.tolist() for c in counts] == [[2], [2]]  # 6 of 12: ratios 1, 2, ½, 1
