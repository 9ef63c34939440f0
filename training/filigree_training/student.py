"""A sparse student: masked weights, batch normalisation put back, eight bits imitated, Adam, an average, and the way back.

It learns one flat vector θ: all weights in units of their row's magnitude, then of each output channel a gain and a shift in units
of the deviation there to begin with. A convolution with normalisation is

    z = conv(x, θ_w · unit)                    variance about 1
    y = γ · (z − mean) / √(variance + ε) + β   γ = gain · deviation · √(1 + ε),  β = bias + mean₀ + shift · deviation

with statistics that the student keeps, so that it computes what its folded network does: frozen ones, or ones that follow those of
batches until `settle` (recipe.Normalisation). Nothing in `step` waits for the GPU, so it can be recorded as a CUDA graph; what
changes from step to step (mask, rate, momentum, ranges) is in tensors.
"""

from __future__ import annotations

from typing import Any, cast

import torch

from . import kernels, quantise
from .features import distance
from .network import Convolution, Convolve, Network, convolved
from .patterns import pattern_named
from .recipe import Recipe
from .schedule import learning_rate
from .teacher import Teacher, Values, spread

EPSILON = 0.03  # of a variance that is 1 to begin with: channels that die do not blow up gradients
Batches = list[torch.Tensor]


class Student:
    """@param initial: flat weights and biases of the pruned network; @param batches: that its normalisation begins with;
    @param network: where it is not the teacher's, as with other activations: convolutions and names of values are the same"""

    def __init__(
        self,
        recipe: Recipe,
        teacher: Teacher,
        dtype: torch.dtype,
        batches: Batches,
        initial: tuple[torch.Tensor, torch.Tensor],
        network: Network | None = None,
    ) -> None:
        self.recipe, self.teacher, self.dtype = recipe, teacher, dtype
        self.network, self.device = network or teacher.network, teacher.device
        n, c = self.network.weights, self.network.channels

        def zeros(*shape: int) -> torch.Tensor:
            return torch.zeros(shape, device=self.device)

        self.theta, self.m, self.v, self.mean = (zeros(n + 2 * c) for _ in range(4))
        self.mask = torch.ones(n + 2 * c, device=self.device)
        self.unit, self.rms, self.biases, self.deviation, self.middle = (zeros(k) for k in (n, c, c, c, c))
        self.count, self.rate, self.momentum = zeros(), zeros(), zeros(1)
        self.free = zeros()  # 1 while straight-through gradients reach zeros, and masks follow weights
        self.dense = zeros(n + 2 * c) if recipe.sparsity.method == "regrow" else zeros(0)  # the last gradient, of zeros too
        self.running = zeros(2 * c)  # mean and variance of every z, convolution after convolution
        self.running_of = {
            k.output: self.running[2 * k.channel : 2 * (k.channel + k.rows)].view(2, k.rows) for k in self.network.convs.values()
        }
        self.rows = teacher.rows
        self.parts = (*teacher.head.parts, "features")
        self.scales = torch.tensor([recipe.weight(p) for p in self.parts], device=self.device)
        self.sums, self.seen = zeros(len(self.parts) + 1), zeros()
        self.rounded = quantise.pointwise_weights(self.network).to(self.device)
        self.ranges = quantise.InputRanges(self.network, self.device)
        self.eight = recipe.quantisation.enabled and recipe.quantisation.since == 0  # whether eight bits are imitated now
        self.steps, self.progress = 0, 0.0
        self.due: list[tuple[float, float]] = []  # (progress, share) of prunings to come
        self.begin(initial[0].to(self.device), initial[1].to(self.device), batches)

    def begin(self, weights: torch.Tensor, biases: torch.Tensor, batches: Batches) -> None:
        """Takes over a plain network, its own statistics in the normalisation: it computes what that did. Optimiser and average
        begin anew."""
        net, c = self.network, self.network.channels
        (deviation, middle), _ = spread(net, weights, biases, self.teacher.wanted, batches)
        self.deviation.copy_(torch.maximum(deviation, 0.02 * self.teacher.spread[0]).clamp(min=1e-3))
        self.middle.copy_(middle)
        for k in net.convs.values():
            self.running_of[k.output][0] = (self.middle / self.deviation)[k.channels_place]
            self.running_of[k.output][1] = 1.0
        self.biases.copy_(biases)
        count = torch.zeros(c, device=self.device).index_add_(0, self.rows, (weights != 0).float())
        square = torch.zeros(c, device=self.device).index_add_(0, self.rows, weights.square())
        self.rms.copy_((square / count.clamp(min=1)).sqrt().clamp(min=1e-8))
        self.unit.copy_((self.rms / self.deviation)[self.rows])
        for k in net.convs.values():
            if k.plain:
                self.unit[k.weights_place] = 1
        self.theta.copy_(torch.cat([weights / self.rms[self.rows], torch.ones(c, device=self.device), torch.zeros(c, device=self.device)]))
        self.mean.copy_(self.theta * self.mask)
        for t in (self.m, self.v, self.count):
            t.zero_()
        self.look(batches)

    # ---- one step ----

    def convolution(
        self, effective: torch.Tensor, dtype: torch.dtype, means: dict[str, list[torch.Tensor]] | None = None, quantised: bool | None = None
    ) -> Convolve:
        """@param means: where each normalised convolution leaves the mean of its z over the batch, which it uses instead of the one
        that the student keeps; nothing is fused then"""
        net, (n, c) = self.network, (self.network.weights, self.network.channels)
        mode = self.recipe.normalisation.mode if means is None else "frozen"
        eight = self.eight if quantised is None else quantised
        flat, gain, shift = effective.split([n, c, c])
        if eight:
            flat = quantise.round_weights(flat, self.rows, c, self.rounded)
        weights = net.split_weights((flat * self.unit).to(dtype))
        scale, bias = (net.split_channels(v.to(dtype)) for v in (gain * self.rms, self.biases + shift * self.deviation))
        gamma = net.split_channels(gain * self.deviation * (1 + EPSILON) ** 0.5)
        beta = net.split_channels(self.biases + self.middle + shift * self.deviation)
        inputs: dict[str, torch.Tensor] = {}
        kept = {k.output: self.running_of[k.output] for k in net.convs.values() if not k.plain}

        def conv(k: Convolution, x: torch.Tensor) -> torch.Tensor:
            w = weights[k.output]
            if eight and k.pointwise:
                if k.source not in inputs:
                    inputs[k.source] = self.ranges.quantised(k.source, x)
                x = inputs[k.source]
            if k.plain:
                w = w * scale[k.output].view(-1, 1, 1, 1)
                y = convolved(k, x, w, bias[k.output])
                return kernels.PLAIN_ACTIVATIONS[k.activation](y) if conv.fused else y  # type: ignore[attr-defined]
            y = convolved(k, x, w)
            running = kept[k.output]
            if means is not None:
                mean = y.detach().float().mean((0, 2, 3))
                means.setdefault(k.output, []).append(mean)
                running = torch.stack([mean, running[1]])
            activation = k.activation if conv.fused else ""  # type: ignore[attr-defined]
            return kernels.norm_activation(y, gamma[k.output], beta[k.output], running, self.momentum, EPSILON, mode, activation)

        conv.fused = means is None  # type: ignore[attr-defined]
        return cast(Convolve, conv)

    def descend(self, images: torch.Tensor, outputs: Values, hints: Values) -> tuple[torch.Tensor, torch.Tensor]:
        """The gradient of the loss with respect to θ, and the loss's parts."""
        t, kind = self.teacher, self.recipe.features
        if self.recipe.sparsity.method == "sr-ste":
            self._follow()
        effective = (self.theta * self.mask).requires_grad_()
        mine, inside = t.split(self.network.run(images.to(self.dtype), t.wanted, self.convolution(effective, self.dtype)))
        found = t.head.losses(mine, outputs)
        pairs = zip(inside, hints, t.precision)
        errors = [distance(kind.kind, a, b, p, kind.temperature) for a, b, p in pairs]
        found["features"] = torch.stack(errors).mean() if errors else effective.new_zeros(())
        parts = torch.stack([found[name] for name in self.parts])
        (gradient,) = torch.autograd.grad((parts * self.scales).sum(), effective)
        return gradient, parts.detach()

    @torch.no_grad()
    def _follow(self) -> None:
        """SR-STE (Zhou et al. 2021, arXiv 2102.04010): the mask is that of the weights as they are now, while `free`."""
        pattern = pattern_named(self.recipe.sparsity.pattern)
        for k in self.network.convs.values():
            if k.prunable and pattern.fits(k):
                mask = self.mask[k.weights_place]
                best = pattern.mask(self.theta[k.weights_place].view(k.rows, k.columns).abs(), self.recipe.sparsity.share)
                mask.copy_(torch.where(self.free > 0, best.flatten(), mask))

    @torch.no_grad()
    def learn(self, gradient: torch.Tensor, parts: torch.Tensor) -> None:
        """Adam's step, and the average's."""
        o = self.recipe.optimiser
        norm = gradient.norm()
        gradient = torch.where(torch.isfinite(norm), gradient * (o.clip / (norm + 1e-6)).clamp(max=1), 0.0)
        if self.dense.numel():
            self.dense.copy_(gradient)
        alive = torch.maximum(self.mask, self.free)
        gradient = gradient * alive + self.free * self.recipe.sparsity.decay * (1 - self.mask) * self.theta
        self.count += 1
        self.m.lerp_(gradient, 1 - o.beta1)
        self.v.lerp_(gradient.square(), 1 - o.beta2)
        step = self.m / (1 - o.beta1**self.count) / ((self.v / (1 - o.beta2**self.count)).sqrt() + 1e-10)
        self.theta -= self.rate * step * alive
        keep = torch.minimum((1 + self.count) / (10 + self.count), torch.full_like(self.count, o.average))
        self.mean += (1 - keep) * (self.theta * self.mask - self.mean)
        self.sums += torch.cat([parts, norm[None]])
        self.seen += 1

    def step(self, images: torch.Tensor, outputs: Values, hints: Values) -> None:
        self.learn(*self.descend(images, outputs, hints))

    def forget(self) -> None:
        """After trial steps at rate 0."""
        for t in (self.m, self.v, self.count, self.sums, self.seen):
            t.zero_()
        self.mean.copy_(self.theta * self.mask)

    def prepare(self, progress: float) -> None:
        """The rate of the next step."""
        o = self.recipe.optimiser
        self.rate.fill_(learning_rate(progress, o.rate, o.warm, o.final))
        settle = self.recipe.normalisation
        self.momentum.fill_(settle.momentum if progress < settle.settle or settle.mode == "batch" else 0.0)
        s = self.recipe.sparsity
        self.free.fill_(float(s.method == "sr-ste" and progress < s.until))
        self.steps += 1

    def imitate(self, progress: float, batches: Batches) -> bool:
        """Turns the imitation of eight bits on where its time has come, ranges by `batches`: then steps have to be recorded anew."""
        q = self.recipe.quantisation
        if self.eight or not q.enabled or progress < q.since:
            return False
        self.eight = True
        self.look(batches)
        self.rate.zero_()  # until the next step is prepared, recording learns nothing
        return True

    def losses(self) -> dict[str, float]:
        """Means since the last call, and of the gradient's norm."""
        means = (self.sums / self.seen.clamp(min=1)).tolist()
        self.sums.zero_()
        self.seen.zero_()
        return {k: round(v, 4) for k, v in zip((*self.parts, "gradient"), means)}

    @torch.no_grad()
    def look(self, batches: Batches) -> None:
        """Takes the ranges of inputs from batches, in floats."""
        effective = self.theta * self.mask
        observer = quantise.Observer(self.convolution(effective, batches[0].dtype, quantised=False), quantise.SHARE)
        for images in batches:
            self.network.run(images, self.teacher.wanted, observer)
        self.ranges.set(observer.least, observer.most)

    # ---- what it has learnt ----

    @torch.no_grad()
    def recentre(self, batches: Batches) -> None:
        """Takes the means that its normalisation subtracts from batches, layer after layer: what pruning moved is put back."""
        means: dict[str, list[torch.Tensor]] = {}
        for images in batches:
            self.network.run(images, self.teacher.wanted, self.convolution(self.theta * self.mask, images.dtype, means))
        for output, found in means.items():
            self.running_of[output][0] = torch.stack(found).mean(0)

    @property
    def settled(self) -> bool:
        """Whether statistics stay. Until then they belong to the weights as they are, not to their average."""
        settle = self.recipe.normalisation
        return settle.mode != "running" or self.progress >= settle.settle

    @torch.no_grad()
    def folded(self, averaged: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
        """Flat weights and biases of the plain network."""
        n, c = self.network.weights, self.network.channels
        w, gain, shift = ((self.mean if averaged else self.theta) * self.mask).split([n, c, c])
        weights, biases = w * (self.rms * gain)[self.rows], self.biases + shift * self.deviation
        for k in self.network.convs.values():
            if k.plain:
                continue
            mean, variance = self.running_of[k.output]
            place = k.channels_place
            factor = gain[place] * self.deviation[place] * ((1 + EPSILON) / (variance + EPSILON)).sqrt()
            weights[k.weights_place] = ((w * self.unit)[k.weights_place].view(k.rows, -1) * factor[:, None]).flatten()
            biases[place] += self.middle[place] - mean * factor
        return weights, biases

    def flat_mask(self) -> torch.Tensor:
        return self.mask[: self.network.weights]

    KEPT = ("theta", "mask", "m", "v", "mean", "count", "rms", "biases", "deviation", "middle", "unit", "running")

    def state(self) -> dict[str, Any]:
        """What a later run goes on from."""
        tensors = {n: getattr(self, n).cpu() for n in self.KEPT}
        return {**tensors, "ranges": self.ranges.state(), "steps": self.steps}

    def restore(self, state: dict[str, Any]) -> None:
        for name in self.KEPT:
            getattr(self, name).copy_(state[name])
        self.ranges.restore(state["ranges"])
        self.steps = state["steps"]
