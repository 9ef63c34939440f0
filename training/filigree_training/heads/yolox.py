"""YOLOX (Ge et al. 2021, arXiv 2107.08430): a level has a box (offsets of the centre and log sizes, in strides), objectness, classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..arrays import Array
from ..network import Leaf, Network
from .base import Head, Values, best_of, cells, divergence, giou, joined


class YoloxHead(Head):
    parts = ("objectness", "classes", "joint", "box", "offsets")

    def __init__(self, boxes: list[str], objectness: list[str], classes: list[str], grid: torch.Tensor) -> None:
        self.wanted = boxes + objectness + classes
        self.levels, self.grid = len(boxes), grid

    @classmethod
    def recognise(cls, network: Network, leaves: list[Leaf]) -> Head | None:
        shapes = [network.shapes.get(leaf.value, ()) for leaf in leaves]
        if len(leaves) % 3 or any(len(s) != 4 for s in shapes):
            return None
        boxes = [leaf.value for leaf, s in zip(leaves, shapes) if s[1] == 4 and not leaf.sigmoid]
        objectness = [leaf.value for leaf, s in zip(leaves, shapes) if s[1] == 1 and leaf.sigmoid]
        classes = [leaf.value for leaf, s in zip(leaves, shapes) if s[1] > 1 and leaf.sigmoid]
        if not len(boxes) == len(objectness) == len(classes) == len(leaves) // 3:
            return None
        return cls(boxes, objectness, classes, cells([network.shapes[b] for b in boxes], network.side))

    def split(self, values: Values) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(B, cells, 4), (B, cells), (B, cells, classes)."""
        n = self.levels
        return joined(values[:n]), joined(values[n : 2 * n])[..., 0], joined(values[2 * n :])

    @staticmethod
    def corners(box: torch.Tensor) -> torch.Tensor:
        """Corners about the cell, in strides."""
        half = box[..., 2:].clamp(max=8).exp() / 2
        return torch.cat([box[..., :2] - half, box[..., :2] + half], -1)

    def losses(self, student: Values, teacher: Values, most: int = 512) -> dict[str, torch.Tensor]:
        """Objectness is compared everywhere, classes and boxes at the `most` cells of an image where either network sees objects.
        `joint` is the divergence of objectness · class, by which boxes are ranked in the end."""
        s_box, s_obj, s_cls = self.split(student)
        t_box, t_obj, t_cls = self.split(teacher)
        s_obj, t_obj = s_obj.float(), t_obj.float()
        total = torch.sigmoid(t_obj).sum() + 1
        places = torch.maximum(t_obj, s_obj.detach()).topk(min(most, t_obj.shape[1]), 1, sorted=False).indices

        def at(values: torch.Tensor) -> torch.Tensor:
            return values.gather(1, places[..., None].expand(-1, -1, values.shape[-1])).float()

        s_cls, t_cls, s_box, t_box = at(s_cls), at(t_cls), at(s_box), at(t_box)
        s_here, t_here = s_obj.gather(1, places)[..., None], t_obj.gather(1, places)[..., None]
        object_ = torch.sigmoid(t_here)
        p = object_ * torch.sigmoid(t_cls)
        score = p.amax(-1)
        sure = score.sum() + 1
        log_s = F.logsigmoid(s_here) + F.logsigmoid(s_cls)
        log_t = (p + 1e-8).log()

        def miss(log: torch.Tensor) -> torch.Tensor:
            return torch.log1p(-log.exp().clamp(max=1 - 1e-5))

        joint = p * (log_t - log_s) + (1 - p) * (miss(log_t) - miss(log_s))
        overlap = giou(self.corners(s_box), self.corners(t_box))
        return {
            "objectness": divergence(s_obj, t_obj).sum() / total,
            "classes": (divergence(s_cls, t_cls) * object_).sum() / total,
            "joint": joint.sum() / total,
            "box": ((1 - overlap) * score).sum() / sure,
            "offsets": (F.smooth_l1_loss(s_box, t_box, reduction="none", beta=0.1).sum(-1) * score).sum() / sure,
        }

    def sampled(self, values: Values, weights: dict[str, float]) -> torch.Tensor:
        box, obj, cls = (v.float() for v in self.split(values))
        with torch.no_grad():
            p_obj, p_cls = torch.sigmoid(obj), torch.sigmoid(cls)
            total = p_obj.sum() + 1
            noise = torch.randn_like(box)
            sure = (p_obj * p_cls.amax(-1))[..., None]
        f = F.binary_cross_entropy_with_logits
        objects = f(obj, torch.bernoulli(p_obj), reduction="none").sum() * (weights["objectness"] / total).sqrt()
        kinds = f(cls, torch.bernoulli(p_cls), reduction="none") * (weights["classes"] * p_obj[..., None] / total).sqrt()
        # a tenth of a stride is what a box may err by
        return objects + kinds.sum() + (box * noise * 10 * (weights["offsets"] * sure / total).sqrt()).sum()

    @torch.no_grad()
    def detections(self, values: Values, most: int = 500) -> Array:
        box, obj, cls = self.split(values)
        grid = self.grid
        corners = (self.corners(box.float()) + grid[:, :2].repeat(1, 2)) * grid[:, 2:]
        return best_of(corners, torch.sigmoid(cls.float()) * torch.sigmoid(obj.float())[..., None], most)
