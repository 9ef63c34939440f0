"""Chooses a student's zeros: statistics of its plain self on a few batches, errors of removal, shares by layer, and the masks."""

from __future__ import annotations

import torch

from . import times
from .network import Convolution
from .patterns import Pattern, pattern_named
from .second_order import Collector, LayerStatistics, allocate, refitted, removed, trace
from .student import Student

Batches = list[torch.Tensor]
Costed = list[tuple[Convolution, float]]


def layers_of(student: Student, pattern: Pattern) -> Costed:
    """Those that are pruned, and what all weights of each cost: multiply-adds, or these and bytes alike, or milliseconds."""
    s = student.recipe.sparsity
    layers = [c for c in student.network.convs.values() if c.prunable and pattern.fits(c)]
    if s.distribution == "time":
        return times.costs(layers, times.saved(*s.times))
    macs = [float(c.count * c.pixels) for c in layers]
    if s.distribution == "both":
        weights = sum(c.count for c in layers)
        return [(c, c.count / weights + m / sum(macs)) for c, m in zip(layers, macs)]
    return list(zip(layers, macs))


def statistics(
    student: Student, weights: torch.Tensor, biases: torch.Tensor, batches: Batches, layers: list[Convolution]
) -> dict[str, LayerStatistics]:
    """Covariances of inputs and curvature at outputs of the layers that are pruned, on the plain network."""
    net, head = student.network, student.teacher.head
    collector = Collector(net.biased(weights.clone().requires_grad_(), biases), layers)
    scales = {p: student.recipe.weight(p) for p in head.parts}
    for images in batches:
        values = net.run(images.float(), head.wanted, collector)
        head.sampled(values, scales).backward()
    return collector.found


def prune(student: Student, share: float, batches: Batches, calm: Batches) -> None:
    """Removes blocks until `share` of the costs is gone; with `second-order` the kept weights make up for them.

    @param batches: to measure on; @param calm: to fold with
    """
    s = student.recipe.sparsity
    pattern = pattern_named(s.pattern)
    weights, biases = student.folded(averaged=False)
    costed = layers_of(student, pattern)
    layers = [c for c, _ in costed]
    found = statistics(student, weights, biases, batches, layers)
    choose = _second_order if s.criterion == "second-order" and not pattern.kept else _scores
    masks = choose(student, costed, weights, found, pattern, share)
    for c, mask in zip(layers, masks):
        _apply(student, c, mask, found[c.output], pattern, biases, weights)
    if student.steps == 0:
        student.begin(weights, biases, calm)
    else:
        student.recentre(calm[:4])


@torch.no_grad()
def _second_order(
    student: Student, layers: Costed, weights: torch.Tensor, found: dict[str, LayerStatistics], pattern: Pattern, share: float
) -> list[torch.Tensor]:
    s = student.recipe.sparsity
    most = s.most if s.distribution == "uniform" else min(s.most, share + 0.35)
    traces = []
    for c, _ in layers:
        shape = (c.rows, c.columns)
        w, kept = weights[c.weights_place].view(shape), student.mask[c.weights_place].view(shape)
        x = found[c.output]
        traces.append(trace(w, kept, x.covariance(), x.curvature(), pattern, most, s.damping))
    totals = [total for _, total in layers]
    costs = [total * pattern.rows * pattern.columns / c.count for c, total in layers]
    if s.distribution == "uniform":
        counts = [allocate([t], [cost], [total], share)[0] for t, cost, total in zip(traces, costs, totals)]
    else:
        counts = allocate(traces, costs, totals, share)
    return [removed(t, n, pattern, (c.rows, c.columns)) for t, n, (c, _) in zip(traces, counts, layers)]


@torch.no_grad()
def _scores(
    student: Student, layers: Costed, weights: torch.Tensor, found: dict[str, LayerStatistics], pattern: Pattern, share: float
) -> list[torch.Tensor]:
    """By single weights. Layers share the zeros by score for each part of the costs, or, `uniform`, have each their share."""
    s = student.recipe.sparsity
    scored = [_score(student, c, weights, found) for c, _ in layers]
    if s.distribution == "uniform" or pattern.kept:
        return [pattern.mask(scores, share) for scores in scored]
    return shared([pattern.blocks(scores).sum(-1) for scores in scored], [total for _, total in layers], pattern, share, s.most)


def _score(student: Student, c: Convolution, weights: torch.Tensor, found: dict[str, LayerStatistics]) -> torch.Tensor:
    """(R, C): w² (magnitude), or w² · g · H's diagonal (fisher)."""
    scores = weights[c.weights_place].view(c.rows, c.columns).square()
    if student.recipe.sparsity.criterion != "magnitude":
        scores = scores * found[c.output].curvature()[:, None] * found[c.output].covariance().diagonal()
    alive = student.mask[c.weights_place].view_as(scores) > 0  # zeros come last, behind weights that matter nothing
    return torch.where(alive, scores, -1.0)


def shared(scores: list[torch.Tensor], totals: list[float], pattern: Pattern, share: float, most: float) -> list[torch.Tensor]:
    """Masks (R, C): the blocks of least score for their costs go, of all layers together, until `share` of all costs is gone.

    @param scores: (R / rows, C / columns) of the blocks of each layer; @param totals: what all blocks of each layer cost
    @param most: the share of one layer's blocks that may go
    """
    prices = [total / score.numel() for score, total in zip(scores, totals)]
    ratios = []
    for score, price in zip(scores, prices):
        flat = score.flatten() / price
        stay = score.numel() - int(score.numel() * most)
        flat[score.flatten().topk(stay).indices] = float("inf")
        ratios.append(flat)
    ratio = torch.cat(ratios)
    costs = torch.cat([torch.full_like(flat, price, dtype=torch.double) for flat, price in zip(ratios, prices)])
    order = ratio.argsort(stable=True)
    keep = torch.ones_like(ratio)
    keep[order[costs[order].cumsum(0) <= share * sum(totals) * (1 + 1e-9)]] = 0
    parts = torch.where(ratio.isinf(), 1.0, keep).split([flat.numel() for flat in ratios])
    return [pattern.spread(part.view(score.shape)) for part, score in zip(parts, scores)]


@torch.no_grad()
def _apply(
    student: Student, c: Convolution, mask: torch.Tensor, x: LayerStatistics, pattern: Pattern, biases: torch.Tensor, weights: torch.Tensor
) -> None:
    """Sets the mask, in `student` and in the plain `weights`; refits both, and lets `biases` make up for the mean."""
    s, shape, place = student.recipe.sparsity, (c.rows, c.columns), c.weights_place
    student.mask[place] = mask.flatten()
    fit = s.criterion == "second-order" and not pattern.kept
    h = x.covariance()

    def pruned(flat: torch.Tensor) -> torch.Tensor:
        w = flat[place].view(shape)
        return refitted(w, mask, h, pattern, s.damping) if fit else w * mask

    before = weights[place].view(shape).clone()
    weights[place] = pruned(weights).flatten()
    biases[c.channels_place] += (before - weights[place].view(shape)) @ (x.total / x.positions)
    for flat in (student.theta, student.mean):
        flat[place] = pruned(flat).flatten()
