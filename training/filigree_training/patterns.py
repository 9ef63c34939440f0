"""Patterns: which weights live and die together. A block is `rows` output channels × `columns` consecutive inputs.

    unstructured  1×1    group2  2×1    group4  4×1      as Filigree's sparse kernels have them today
    1x4, 2x4, 4x4        consecutive inputs, whose bytes one 32-bit load takes in eight-bit kernels
    2:4, 1:4             N of every M consecutive inputs of a row are kept (Mishra et al. 2021, arXiv 2104.08378)

Columns are counted as weights lie in memory, (I, kh, kw); consecutive inputs are blocks of pointwise layers only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch

from .network import Convolution, Network


@dataclass(frozen=True)
class Pattern:
    """Blocks of rows × columns, or `kept` of every `columns` where that is given."""

    name: str
    rows: int = 1
    columns: int = 1
    kept: int = 0

    def fits(self, c: Convolution) -> bool:
        """Whether the layer consists of whole blocks."""
        pointwise = c.shape[2:] == (1, 1)
        return c.rows % self.rows == 0 and c.columns % self.columns == 0 and (self.columns == 1 or pointwise)

    def blocks(self, flat: torch.Tensor) -> torch.Tensor:
        """(R, C) → (R / rows, C / columns, rows · columns): the weights of each block."""
        r, c = flat.shape
        parts = flat.reshape(r // self.rows, self.rows, c // self.columns, self.columns)
        return parts.permute(0, 2, 1, 3).reshape(r // self.rows, c // self.columns, -1)

    def spread(self, chosen: torch.Tensor) -> torch.Tensor:
        """(R / rows, C / columns) → (R, C): the choice of a block for each of its weights."""
        return chosen.repeat_interleave(self.rows, 0).repeat_interleave(self.columns, 1)

    def mask(self, scores: torch.Tensor, share: float) -> torch.Tensor:
        """(R, C) of 0 and 1: the blocks with the greatest sums of scores; a share of zeros of `share`, one block at least stays."""
        if self.kept:
            return self._kept_of_each(scores)
        sums = self.blocks(scores).sum(-1)
        count = max(1, round(sums.numel() * (1 - share)))
        chosen = torch.zeros(sums.numel(), device=scores.device)
        chosen[sums.flatten().topk(count).indices] = 1
        return self.spread(chosen.view(sums.shape))

    def _kept_of_each(self, scores: torch.Tensor) -> torch.Tensor:
        groups = scores.reshape(scores.shape[0], -1, self.columns)
        chosen = torch.zeros_like(groups)
        return chosen.scatter_(-1, groups.topk(self.kept, -1).indices, 1.0).view(scores.shape)

    def holds(self, mask: torch.Tensor) -> bool:
        """Whether a mask (R, C) is of this pattern."""
        if self.kept:
            return bool((mask.reshape(mask.shape[0], -1, self.columns).sum(-1) <= self.kept).all())
        sums = self.blocks(mask.float()).sum(-1)
        return bool(((sums == 0) | (sums == self.rows * self.columns)).all())


NAMED = {
    "unstructured": Pattern("unstructured"),
    "group2": Pattern("group2", 2),
    "group4": Pattern("group4", 4),
}


def pattern_named(name: str) -> Pattern:
    """@raises ValueError naming what is known"""
    if name in NAMED:
        return NAMED[name]
    if block := re.fullmatch(r"(\d+)x(\d+)", name):
        return Pattern(name, int(block[1]), int(block[2]))
    if n_of_m := re.fullmatch(r"(\d+):(\d+)", name):
        return Pattern(name, 1, int(n_of_m[2]), int(n_of_m[1]))
    raise ValueError(f"pattern {name!r}: wanted one of {', '.join(NAMED)}, RxC such as 1x4, or N:M such as 2:4")


def sparsity(mask: torch.Tensor, network: Network) -> float:
    """Zeros over all weights of the layers that may be pruned."""
    convs = [c for c in network.convs.values() if c.prunable]
    return 1 - sum(float(mask[c.weights_place].sum()) for c in convs) / sum(c.count for c in convs)


def macs_removed(mask: torch.Tensor, network: Network) -> float:
    """The share of multiply-adds that zeros save in the layers that may be pruned."""
    convs = [c for c in network.convs.values() if c.prunable]
    return 1 - sum(float(mask[c.weights_place].sum()) * c.pixels for c in convs) / sum(c.count * c.pixels for c in convs)


def follows(mask: torch.Tensor, network: Network, pattern: Pattern) -> bool:
    """Whether a flat mask keeps to the pattern in every layer that it fits, and all else is kept."""
    for c in network.convs.values():
        part = mask[c.weights_place].view(c.rows, c.columns)
        if c.prunable and pattern.fits(c):
            if not pattern.holds(part):
                return False
        elif not bool((part == 1).all()):
            return False
    return True
