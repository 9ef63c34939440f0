"""RigL: the least weights die, and zeros with the greatest gradients come to life (Evci et al. 2020, arXiv 1911.11134), in blocks."""

from __future__ import annotations

import math

import torch

from .patterns import pattern_named
from .student import Student


def regrown_share(progress: float, first: float, until: float) -> float:
    """Of the weights that are kept, how many change places: a cosine from `first` to 0 at `until`."""
    return first / 2 * (1 + math.cos(math.pi * min(1.0, progress / until)))


@torch.no_grad()
def regrow(student: Student, share: float) -> None:
    """Lets `share` of each layer's kept blocks die, and as many that were zero grow from 0. Layers keep their shares of zeros."""
    pattern = pattern_named(student.recipe.sparsity.pattern)
    for c in student.network.convs.values():
        if not (c.prunable and pattern.fits(c)):
            continue
        place, shape = c.weights_place, (c.rows, c.columns)
        mask = student.mask[place].view(shape)
        alive = pattern.blocks(mask)[..., 0] > 0
        count = min(round(share * int(alive.sum())), int((~alive).sum()))
        if not count:
            continue
        size = pattern.blocks(student.theta[place].view(shape).abs()).sum(-1)
        slope = pattern.blocks(student.dense[place].view(shape).abs()).sum(-1)
        dies = torch.where(alive, size, torch.inf).flatten().topk(count, largest=False).indices
        grows = torch.where(alive, -1.0, slope).flatten().topk(count).indices
        chosen = alive.float().flatten()
        chosen[dies], chosen[grows] = 0.0, 1.0
        fresh = pattern.spread(chosen.view(alive.shape)).flatten()
        changed = fresh != mask.flatten()
        for state in (student.theta, student.mean, student.m, student.v):
            state[place] = torch.where(changed, 0.0, state[place])
        student.mask[place] = fresh
