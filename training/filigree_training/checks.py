"""How good students are: agreement with the teacher on photographs put aside, and AP on labelled ones; in floats and in eight bits.

Agreement is the AP of the student's detections against the teacher's own of score 0.3 and more. It ranks students as AP does (rank
correlation 0.98 over 84 checks of YOLOX-nano), and needs no labels: choose by it, and leave the labelled photographs to the end.
"""

from __future__ import annotations

from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

import numpy as np
import torch

from . import evaluate
from .arrays import Array
from .heads import Head
from .network import Convolve, Network
from .quantise import calibrated, int8_network
from .student import Batches
from .teacher import Teacher

Views = list[list[torch.Tensor]]  # what the head said of each batch


class Checks:
    """@param sets: by name images (N, 3, H, W), and truth (None: the teacher's detections; classifiers have none)"""

    def __init__(self, teacher: Teacher, sets: dict[str, tuple[torch.Tensor, list[Array] | None]], calm: Batches, workers: int = 8) -> None:
        self.teacher, self.calm = teacher, calm
        self.pool = ProcessPoolExecutor(workers)
        self.sets: dict[str, tuple[torch.Tensor, Any]] = {}
        self.views: dict[str, list[list[torch.Tensor]]] = {}
        self.boxes = type(teacher.head).detections is not Head.detections
        dense = teacher.network.biased(teacher.weights, teacher.biases)
        self.dense: dict[str, Future[Any]] = {}
        for name, (images, truth) in sets.items():
            found, _, self.views[name] = self._run(teacher.network, images, dense, None)
            if self.boxes:
                truth = truth or evaluate.agreement_truth(list(self.pool.map(evaluate.merged, found, chunksize=8)))
                self.dense[name] = self.pool.submit(evaluate.score, found, truth)
            self.sets[name] = (images, truth)

    @torch.no_grad()
    def _run(
        self, net: Network, images: torch.Tensor, conv: Convolve, views: list[list[torch.Tensor]] | None
    ) -> tuple[Array, dict[str, float], Views]:
        """Detections; mean losses against `views`; else what the head said."""
        head = self.teacher.head
        boxes: list[Array] = []
        losses: list[torch.Tensor] = []
        kept: list[list[torch.Tensor]] = []
        for i in range(0, len(images), 64):
            values = net.run(images[i : i + 64], head.wanted, conv)
            if self.boxes:
                boxes.append(head.detections(values))
            if views is None:
                kept.append([v.half() for v in values])
            else:
                theirs = [v.float() for v in views[i // 64]]
                found = head.losses(values, theirs)
                same = [] if self.boxes else [(values[0].flatten(1).argmax(1) == theirs[0].flatten(1).argmax(1)).float().mean()]
                losses.append(torch.stack([found[p] for p in head.parts] + same))
        mean = dict(zip([*head.parts, "same class"], torch.stack(losses).mean(0).tolist())) if losses else {}
        return (np.concatenate(boxes) if boxes else np.zeros((0, 0, 6))), mean, kept

    def begin(self, net: Network, weights: torch.Tensor, biases: torch.Tensor) -> tuple[dict[str, Any], dict[str, Future[Any]]]:
        """Runs a folded student; its AP is counted by other processes while training goes on."""
        floats = net.biased(weights, biases)
        ways = {"": floats}
        if self.boxes:
            ways[" int8"] = int8_network(net, weights, biases, calibrated(net, weights, biases, self.calm[:4], self.teacher.head.wanted))
        entry: dict[str, Any] = {}
        waiting: dict[str, Future[Any]] = {}
        for way, conv in ways.items():
            for name, (images, truth) in self.sets.items():
                boxes, losses, _ = self._run(net, images, conv, self.views[name])
                if name == "aside":
                    entry[f"aside{way} losses"] = {k: round(v, 4) for k, v in losses.items()}
                if self.boxes:
                    waiting[name + way] = self.pool.submit(evaluate.score, boxes, truth)
        return entry, waiting

    def close(self) -> None:
        self.pool.shutdown()
