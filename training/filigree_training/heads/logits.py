"""Classifiers: one output of (N, classes) logits, a softmax behind it or not."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..network import Leaf, Network
from .base import Head, Values


class LogitsHead(Head):
    """Distillation at a temperature (Hinton et al. 2015, arXiv 1503.02531)."""

    parts = ("classes",)

    def __init__(self, logits: str, temperature: float = 2.0) -> None:
        self.wanted, self.temperature, self.grid = [logits], temperature, torch.zeros(0, 3)

    @classmethod
    def recognise(cls, network: Network, leaves: list[Leaf]) -> Head | None:
        if len(leaves) != 1 or leaves[0].sigmoid:
            return None
        shape = network.shapes.get(leaves[0].value, ())
        return cls(leaves[0].value) if len(shape) == 2 or shape[2:] == (1, 1) else None

    def losses(self, student: Values, teacher: Values) -> dict[str, torch.Tensor]:
        s, t = (v[0].float().flatten(1) / self.temperature for v in (student, teacher))
        kl = F.kl_div(s.log_softmax(-1), t.log_softmax(-1), log_target=True, reduction="batchmean")
        return {"classes": kl * self.temperature**2}

    def sampled(self, values: Values, weights: dict[str, float]) -> torch.Tensor:
        logits = values[0].float().flatten(1)
        label = torch.multinomial(logits.detach().softmax(-1), 1)[:, 0]
        return F.cross_entropy(logits, label, reduction="sum") * (weights["classes"] / len(logits)) ** 0.5
