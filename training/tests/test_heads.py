"""Heads are told from graphs, agree with themselves, and decode as Filigree does (decoded.ts)."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from filigree_training.heads import GflHead, Head, LogitsHead, YoloxHead, recognise
from filigree_training.heads.base import cells, giou
from filigree_training.network import Network

from .networks import BINS, CLASSES, NETWORKS

DECODED = json.loads((Path(__file__).parent / "decoded.json").read_text())
SIDE = 64


def values_of(path: str) -> tuple[Head, list[torch.Tensor]]:
    torch.manual_seed(0)
    network = Network(path)
    head = recognise(network)
    images = torch.randn(4, 3, network.side, network.side)
    return head, network.run(images, head.wanted, network.biased(network.flat_weights(), network.flat_biases()))


@pytest.mark.parametrize(("name", "kind"), [("gfl", GflHead), ("yolox", YoloxHead), ("classifier", LogitsHead)])
def test_recognised(name: str, kind: type, tmp_path: Path) -> None:
    head, values = values_of(NETWORKS[name](tmp_path / "n.onnx"))
    assert type(head) is kind
    losses = head.losses(values, values)
    assert tuple(losses) == head.parts
    assert all(abs(float(v)) < 1e-4 for v in losses.values())
    others = head.losses([v + torch.randn_like(v) for v in values], values)
    assert all(float(v) > 0.01 for v in others.values())


def test_the_gradient_of_sampled_labels_is_the_curvature(tmp_path: Path) -> None:
    """E[g²] of sampled labels is the second derivative of the divergence at agreement: p (1 − p) for scores."""
    head, values = values_of(NETWORKS["gfl"](tmp_path / "n.onnx"))
    values = [v.detach().requires_grad_() for v in values]
    weights = dict.fromkeys(head.parts, 1.0)
    squares = [torch.autograd.grad(head.sampled(values, weights), values[0])[0].square() for _ in range(400)]
    p = torch.sigmoid(values[0].detach())
    best = [torch.sigmoid(v.detach()).amax(1).square().sum() for v in values[: len(values) // 2]]
    expected = p * (1 - p) / (sum(best) + 1)
    assert float(torch.stack(squares).mean(0).sum() / expected.sum()) == pytest.approx(1, abs=0.05)


def number(i: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> torch.Tensor:
    return torch.from_numpy((2 * np.sin(12.9898 * i)).astype(np.float32))


def as_maps(rows: torch.Tensor, strides: list[int]) -> list[torch.Tensor]:
    """(cells, C) → levels (1, C, H, W)."""
    parts = rows.split([(SIDE // s) ** 2 for s in strides])
    return [p.T.reshape(1, -1, SIDE // s, SIDE // s) for p, s in zip(parts, strides)]


def same_boxes(found: np.ndarray[tuple[int, ...], np.dtype[np.float32]], expected: list[list[float]]) -> None:
    mine = found[0][found[0][:, 4] >= 0.7]
    assert len(mine) == len(expected) > 20
    order = np.lexsort((mine[:, 0], mine[:, 4]))
    theirs = np.array(expected)
    np.testing.assert_allclose(mine[order], theirs[np.lexsort((theirs[:, 0], theirs[:, 4]))], rtol=1e-4, atol=1e-3)


def test_gfl_decodes_as_filigree() -> None:
    strides = [8, 16, 32, 64]
    count, width = sum((SIDE // s) ** 2 for s in strides), CLASSES + 4 * BINS
    rows = number(np.arange(count * width)).view(count, width)
    grid = cells([(1, 1, SIDE // s, SIDE // s) for s in strides], SIDE)
    head = GflHead(["s"] * 4, ["b"] * 4, grid)
    values = as_maps(rows[:, :CLASSES], strides) + as_maps(rows[:, CLASSES:], strides)
    same_boxes(head.detections(values), DECODED["gfl"])


def test_yolox_decodes_as_filigree() -> None:
    strides = [8, 16, 32]
    count, width = sum((SIDE // s) ** 2 for s in strides), 5 + CLASSES
    rows = number(np.arange(count * width)).view(count, width)
    grid = cells([(1, 1, SIDE // s, SIDE // s) for s in strides], SIDE)
    head = YoloxHead(["b"] * 3, ["o"] * 3, ["c"] * 3, grid)
    values = [m for part in (rows[:, :4], rows[:, 4:5], rows[:, 5:]) for m in as_maps(part, strides)]
    same_boxes(head.detections(values), DECODED["yolox"])


def test_generalised_overlap() -> None:
    box = torch.tensor([0.0, 0.0, 2.0, 2.0])
    assert float(giou(box, box)) == pytest.approx(1)
    assert float(giou(box, box + 1)) == pytest.approx(1 / 7 - 2 / 9)
    assert float(giou(box, box + 4)) == pytest.approx(-(36 - 8) / 36)
