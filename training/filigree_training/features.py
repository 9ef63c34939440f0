"""How far a student's values inside are from its teacher's."""

from __future__ import annotations

import torch

from . import kernels


def channel_wise(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """Channel-wise distillation (Shu et al. 2021, arXiv 2011.13256): each channel is a distribution over positions, compared by its
    divergence at a temperature, times its square; a mean over channels. Values (N, C, H, W)."""
    s, t = (v.float().flatten(2) / temperature for v in (student, teacher))
    log_s, log_t = s.log_softmax(-1), t.log_softmax(-1)
    return (log_t.exp() * (log_t - log_s)).sum(-1).mean() * temperature**2


def distance(kind: str, student: torch.Tensor, teacher: torch.Tensor, precision: torch.Tensor, temperature: float) -> torch.Tensor:
    """@param kind: "squared": of the difference, over the teacher's variance by channel; "channel-wise" """
    if kind == "channel-wise":
        return channel_wise(student * precision.sqrt().view(1, -1, 1, 1), teacher * precision.sqrt().view(1, -1, 1, 1), temperature)
    return kernels.squared_error(student, teacher, precision)
