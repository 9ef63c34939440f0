"""Generalised focal loss heads (Li et al. 2020, arXiv 2006.04388): PicoDet, NanoDet.

A level has sigmoid scores of each class and, for each side of the box, a distribution over `bins` distances in strides; boxes are
their expectations about the cell's centre.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..arrays import Array
from ..network import Leaf, Network
from .base import Head, Values, best_of, cells, divergence, giou, joined


class GflHead(Head):
    parts = ("scores", "bins", "box")

    def __init__(self, scores: list[str], bins: list[str], grid: torch.Tensor) -> None:
        self.wanted = scores + bins
        self.levels, self.grid = len(scores), grid

    @classmethod
    def recognise(cls, network: Network, leaves: list[Leaf]) -> Head | None:
        shapes = [network.shapes.get(leaf.value, ()) for leaf in leaves]
        if any(len(s) != 4 for s in shapes) or len(leaves) % 2:
            return None
        scores = [leaf.value for leaf in leaves if leaf.sigmoid]
        bins = [leaf.value for leaf in leaves if not leaf.sigmoid]
        plain = [s for leaf, s in zip(leaves, shapes) if not leaf.sigmoid]
        if len(scores) != len(bins) or any(s[1] % 4 or s[1] < 16 for s in plain) or len({s[1] for s in plain}) != 1:
            return None
        return cls(scores, bins, cells([network.shapes[s] for s in scores], network.side))

    def split(self, values: Values) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (B, cells, classes) and (B, cells, 4 · bins)."""
        return joined(values[: self.levels]), joined(values[self.levels :])

    def boxes(self, bins: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        """Logits (…, 4 · bins) → corners (…, 4) in pixels; `grid` (…, 3)."""
        p = bins.float().unflatten(-1, (4, -1)).softmax(-1)
        sides = (p * torch.arange(p.shape[-1], device=p.device)).sum(-1) * grid[..., 2:]
        centre = (grid[..., :2] + 0.5) * grid[..., 2:]
        return torch.cat([centre - sides[..., :2], centre + sides[..., 2:]], -1)

    def losses(self, student: Values, teacher: Values, most: int = 512) -> dict[str, torch.Tensor]:
        """Scores are compared everywhere, boxes at the `most` cells of an image where either network sees objects, by the teacher's
        score; `bins` as Localization Distillation does it (Zheng et al. 2022, arXiv 2102.12252), at temperature 1."""
        s_scores, s_bins = self.split(student)
        t_scores, t_bins = self.split(teacher)
        s_scores, t_scores = s_scores.float(), t_scores.float()
        p = torch.sigmoid(t_scores).amax(-1)
        peak = torch.maximum(t_scores.amax(-1), s_scores.detach().amax(-1))
        places = peak.topk(min(most, peak.shape[1]), 1, sorted=False).indices

        def at(values: torch.Tensor) -> torch.Tensor:
            return values.gather(1, places[..., None].expand(-1, -1, values.shape[-1])).float()

        s_here, t_here, sure = at(s_bins), at(t_bins), p.gather(1, places).square()
        total = p.square().sum() + 1
        log_s, log_t = (v.unflatten(-1, (4, -1)).log_softmax(-1) for v in (s_here, t_here))
        grid = self.grid[places]
        overlap = giou(self.boxes(s_here, grid), self.boxes(t_here, grid))
        return {
            "scores": divergence(s_scores, t_scores).sum() / total,
            "bins": ((log_t.exp() * (log_t - log_s)).sum((-1, -2)) * sure).sum() / total,
            "box": ((1 - overlap) * sure).sum() / total,
        }

    def sampled(self, values: Values, weights: dict[str, float]) -> torch.Tensor:
        scores, bins = (v.float() for v in self.split(values))
        with torch.no_grad():
            p = torch.sigmoid(scores)
            label = torch.bernoulli(p)
            sure = p.amax(-1).square()
            total = sure.sum() + 1
            q = bins.unflatten(-1, (4, -1)).softmax(-1)
            side = torch.multinomial(q.flatten(0, -2), 1).view(q.shape[:-1])
        miss = F.binary_cross_entropy_with_logits(scores, label, reduction="none").sum() * (weights["scores"] / total).sqrt()
        log_q = bins.unflatten(-1, (4, -1)).log_softmax(-1).gather(-1, side[..., None])[..., 0].sum(-1)
        return miss - (log_q * (weights["bins"] * sure / total).sqrt()).sum()

    @torch.no_grad()
    def detections(self, values: Values, most: int = 500) -> Array:
        scores, bins = self.split(values)
        return best_of(self.boxes(bins, self.grid), torch.sigmoid(scores.float()), most)
