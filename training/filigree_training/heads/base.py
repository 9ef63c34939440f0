"""What heads have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
import torch.nn.functional as F

from ..arrays import Array
from ..network import Leaf, Network

Values = list[torch.Tensor]


class Head(ABC):
    """`wanted` names the values that `losses` and `detections` take, in this order; `parts` the losses."""

    wanted: list[str]
    parts: tuple[str, ...]
    grid: torch.Tensor  # (cells, 3) column, row, stride; none for classifiers

    def to(self, device: torch.device) -> None:
        self.grid = self.grid.to(device)

    @classmethod
    @abstractmethod
    def recognise(cls, network: Network, leaves: list[Leaf]) -> Head | None: ...

    @abstractmethod
    def losses(self, student: Values, teacher: Values) -> dict[str, torch.Tensor]:
        """Of a batch, by the names in `parts`; 0 where both agree."""

    @abstractmethod
    def sampled(self, values: Values, weights: dict[str, float]) -> torch.Tensor:
        """A negative log-likelihood of labels drawn from the network's own answer, each term times the root of its weight in the
        loss: the expected square of its gradient is the curvature of `losses` at agreement (the true Fisher information)."""

    def detections(self, values: Values, most: int = 500) -> Array:
        """(images, most, 6): x0, y0, x1, y1 in pixels of the input, score, class; best first, not yet merged."""
        raise NotImplementedError("this head has no boxes")


def joined(levels: Values) -> torch.Tensor:
    """Levels (B, C, H, W) → (B, cells, C); no copy but the joining where channels are last."""
    return torch.cat([t.permute(0, 2, 3, 1).flatten(1, 2) for t in levels], 1)


def divergence(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """KL divergence of Bernoulli distributions given by logits, element by element."""
    p = torch.sigmoid(teacher)
    return F.softplus(student) - student * p - (F.softplus(teacher) - teacher * p)


def giou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Generalised intersection over union of boxes (…, 4) as corners (Rezatofighi et al. 2019, arXiv 1902.09630)."""

    def area(size: torch.Tensor) -> torch.Tensor:
        return size[..., 0] * size[..., 1]

    inter = area((torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0))
    hull = area(torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2]))
    union = area(a[..., 2:] - a[..., :2]) + area(b[..., 2:] - b[..., :2]) - inter
    return inter / union.clamp(min=1e-6) - (hull - union) / hull.clamp(min=1e-6)


def cells(shapes: list[tuple[int, ...]], side: int) -> torch.Tensor:
    """(cells, 3): column, row and stride of each cell of levels of shape (N, C, H, W), in pixels of a `side`² input."""
    found = []
    for shape in shapes:
        h, w = shape[2:]
        y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        stride = 2 ** round(float(np.log2(side / h)))  # 416 / 7 is a stride of 64
        found.append(torch.stack([x, y, torch.full_like(x, stride)], -1).reshape(-1, 3))
    return torch.cat(found).float()


def best_of(boxes: torch.Tensor, scores: torch.Tensor, most: int) -> Array:
    """Boxes (B, cells, 4) with scores (B, cells, classes) → the best `most` of all classes of all boxes."""
    classes = scores.shape[-1]
    best, place = scores.flatten(1).topk(min(most, scores[0].numel()), 1)
    chosen = boxes.gather(1, (place // classes)[..., None].expand(-1, -1, 4))
    return torch.cat([chosen, best[..., None], (place % classes)[..., None].float()], -1).float().cpu().numpy()
