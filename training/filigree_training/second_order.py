"""Which blocks to remove, and how those that stay make up for it: Optimal Brain Compression (Frantar and Alistarh 2022,
arXiv 2208.11580) of every layer at once, in blocks of a pattern, its errors weighed by the loss's curvature.

A layer y = W x, W (R, C), moves by ΔW; the loss by about

    ½ Σ_r g_r · ΔW_r H ΔW_rᵀ        H (C, C) covariance of x, g_r mean square of the loss's gradient at channel r, both over
                                    positions, times the number of positions of an image

(Kronecker-factored, its second factor's diagonal; Martens and Grosse 2015, arXiv 1503.05671). The covariance rather than the second
moment, as the mean's part is made up by the normalisation behind the layer. Blocks are removed one after the other, in each group of
rows the one with the least error, the others of the group adjusted by the inverse of H; then every group's trace of errors is known
and the cheapest prefixes of all are taken together, so that layers share the zeros by loss for each multiply-add.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .network import Convolution, Convolve, padded
from .patterns import Pattern


@dataclass
class LayerStatistics:
    """H (C, C) and g (R) of a layer, summed over positions and images until `finished`."""

    second: torch.Tensor
    total: torch.Tensor
    gradient: torch.Tensor
    positions: int = 0
    images: int = 0

    def descend(self, gradient: torch.Tensor) -> None:
        """Takes the gradient (N, R, H, W) at the layer's output."""
        self.gradient += gradient.float().square().sum((0, 2, 3))

    def covariance(self) -> torch.Tensor:
        mean = self.total / self.positions
        return self.second / self.positions - mean[:, None] * mean[None]

    def curvature(self) -> torch.Tensor:
        """(R) expected square of an image's gradient, summed over its positions."""
        return self.gradient / self.images


class Collector:
    """Wraps a `conv` and collects what second-order pruning needs; use it with gradients on, then `backward`."""

    def __init__(self, conv: Convolve, layers: list[Convolution]) -> None:
        self.conv, self.layers = conv, {c.output: c for c in layers}
        self.found: dict[str, LayerStatistics] = {}
        self.fused = False

    def __call__(self, c: Convolution, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(c, x)
        if c.output in self.layers:
            s = self._of(c, x)
            rows = inputs_of(c, x.detach())
            s.second += rows.T @ rows
            s.total += rows.sum(0)
            s.positions += len(rows)
            s.images += len(x)
            y.register_hook(s.descend)
        return y

    def _of(self, c: Convolution, x: torch.Tensor) -> LayerStatistics:
        if c.output not in self.found:

            def zeros(*shape: int) -> torch.Tensor:
                return torch.zeros(shape, device=x.device)

            self.found[c.output] = LayerStatistics(zeros(c.columns, c.columns), zeros(c.columns), zeros(c.rows))
        return self.found[c.output]


def inputs_of(c: Convolution, x: torch.Tensor) -> torch.Tensor:
    """(positions, C) float32: what each output position of a layer reads."""
    if c.shape[2:] == (1, 1):
        return x[:, :, :: c.stride[0], :: c.stride[1]].permute(0, 2, 3, 1).reshape(-1, c.columns).float()
    x, padding = padded(c, x.float())
    taken = F.unfold(x, c.shape[2:], padding=padding, stride=c.stride)
    return taken.permute(0, 2, 1).reshape(-1, c.columns)


@dataclass
class Trace:
    """Of one layer: `order` (groups, blocks) in which blocks go, `errors` (groups, blocks) the loss that each adds when it goes."""

    order: torch.Tensor
    errors: torch.Tensor


def damped(h: torch.Tensor, by: float) -> torch.Tensor:
    h = h.double()
    return h + torch.eye(len(h), device=h.device, dtype=h.dtype) * (by * h.diagonal().mean() + 1e-12)


def trace(
    weights: torch.Tensor, mask: torch.Tensor, h: torch.Tensor, g: torch.Tensor, pattern: Pattern, most: float, damping: float
) -> Trace:
    """Removes blocks greedily until a share `most` of each group is gone. Blocks that are zero already go first, at no cost.

    @param weights: (R, C), `mask` (R, C) of 0 and 1, h (C, C), g (R)
    """
    r, c, k = pattern.rows, weights.shape[1], pattern.columns
    groups, blocks = weights.shape[0] // r, c // k
    w = (weights * mask).double().view(groups, r, c).clone()
    g = g.double().clamp(min=1e-20).view(groups, r)
    inverse = torch.linalg.inv(damped(h, damping)).expand(groups, c, c).clone()
    gone = torch.zeros(groups, blocks, dtype=torch.bool, device=w.device)
    already = pattern.blocks(mask).sum(-1) == 0
    at = torch.arange(groups, device=w.device)
    columns = torch.arange(c, device=w.device).view(blocks, k)
    count = max(1, int(blocks * most))
    ones = torch.eye(k, device=w.device, dtype=w.dtype)
    order = torch.zeros(groups, count, dtype=torch.long, device=w.device)
    errors = torch.zeros(groups, count, dtype=torch.double, device=w.device)
    for step in range(count):
        # (groups, blocks, k, k) inverses of the diagonal blocks
        diagonal = inverse.view(groups, blocks, k, blocks, k).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)
        solved = small_inverse(diagonal + ones * gone[..., None, None])
        parts = w.view(groups, r, blocks, k)
        cost = torch.einsum("grbi,gbij,grbj,gr->gb", parts, solved, parts, g) / 2
        cost = torch.where(already, -1.0, cost).masked_fill(gone, float("inf"))
        best = cost.argmin(1)
        order[:, step] = best
        errors[:, step] = cost[at, best].clamp(min=0)
        gone[at, best] = True
        chosen = columns[best]  # (groups, k)
        wide = inverse.gather(2, chosen[:, None].expand(-1, c, -1))  # (groups, C, k)
        left = wide @ solved[at, best]
        w -= w.gather(2, chosen[:, None].expand(-1, r, -1)) @ left.transpose(1, 2)
        w.scatter_(2, chosen[:, None].expand(-1, r, -1), 0.0)
        inverse -= left @ wide.transpose(1, 2)
        inverse.scatter_(2, chosen[:, None].expand(-1, c, -1), 0.0)
        inverse.scatter_(1, chosen[:, :, None].expand(-1, -1, c), 0.0)
    return Trace(order, errors)


def small_inverse(m: torch.Tensor) -> torch.Tensor:
    """Inverses of symmetric positive definite (…, k, k), k a power of 2: by halves, without a wait for the GPU."""
    k = m.shape[-1]
    if k == 1:
        return 1 / m.clamp(min=1e-30)
    h = k // 2
    a, b, d = m[..., :h, :h], m[..., :h, h:], m[..., h:, h:]
    ai = small_inverse(a)
    ab = ai @ b
    si = small_inverse(d - b.mT @ ab)
    upper = torch.cat([ai + ab @ si @ ab.mT, -ab @ si], -1)
    return torch.cat([upper, torch.cat([-si @ ab.mT, si], -1)], -2)


def allocate(traces: list[Trace], costs: list[float], totals: list[float], share: float) -> list[torch.Tensor]:
    """How many blocks each group of each layer loses, (groups) a layer, so that a share `share` of all costs goes for the least loss.

    @param costs: of one block, such as its multiply-adds; `totals` of a whole layer
    """
    # a prefix of a trace goes before what follows it
    ratio = torch.cat([(t.errors.cummax(1).values / cost).flatten() for t, cost in zip(traces, costs)])
    price = torch.cat([torch.full_like(t.errors, cost).flatten() for t, cost in zip(traces, costs)])
    order = ratio.argsort(stable=True)
    taken = torch.zeros(len(ratio), dtype=torch.bool, device=ratio.device)
    taken[order[price[order].cumsum(0) <= share * sum(totals)]] = True
    parts = taken.split([t.errors.numel() for t in traces])
    return [part.view(t.errors.shape).sum(1) for part, t in zip(parts, traces)]


def removed(t: Trace, counts: torch.Tensor, pattern: Pattern, shape: tuple[int, int]) -> torch.Tensor:
    """(R, C) mask: of each group the first `counts` blocks of its trace are 0."""
    blocks = shape[1] // pattern.columns
    keep = torch.ones(len(counts), blocks, device=counts.device)
    first = torch.arange(t.order.shape[1], device=counts.device)[None] < counts[:, None]
    keep.scatter_(1, t.order, 1.0 - first.float())
    return pattern.spread(keep)


def refitted(weights: torch.Tensor, mask: torch.Tensor, h: torch.Tensor, pattern: Pattern, damping: float) -> torch.Tensor:
    """(R, C): the kept weights that come nearest to `weights` in the metric of H, others 0; rows of a group share their mask."""
    r, c = pattern.rows, weights.shape[1]
    h = damped(h, damping)
    w = weights.double().view(-1, r, c)
    kept = mask.double().view(-1, r, c)[:, 0]  # (groups, C)
    system = h * kept[:, :, None] * kept[:, None, :] + torch.diag_embed(1 - kept)
    target = (w @ h) * kept[:, None]
    return torch.linalg.solve(system, target.transpose(1, 2)).transpose(1, 2).mul(kept[:, None]).reshape(weights.shape).float()
