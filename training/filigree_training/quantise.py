"""Eight bits as Filigree computes pointwise layers (src/compile/int8.ts), imitated in floats; gradients pass straight through
(Jacob et al. 2018, arXiv 1712.05877).

Weights are whole numbers −127…127 times a step for each output channel. Inputs are 0…127 with one step and zero point for the
whole tensor, from its least and greatest value on calibration photographs; what lies beyond is clamped.
"""

from __future__ import annotations

import torch

from . import kernels
from .network import Convolution, Convolve, Network

LEVELS = 127
SHARE = 0.9999  # of the numbers that a layer reads lie within its range, as models/objects.ts calibrates


def round_weights(weights: torch.Tensor, row_of_weight: torch.Tensor, channels: int, chosen: torch.Tensor) -> torch.Tensor:
    """Flat weights rounded where `chosen` is 1.

    @param row_of_weight: (weights) output channel of each, below `channels`
    """
    w = weights.detach()
    most = torch.zeros(channels, device=w.device, dtype=w.dtype).scatter_reduce_(0, row_of_weight, w.abs(), "amax")
    step = (most / LEVELS).clamp(min=1e-12)[row_of_weight]
    return weights + ((w / step).round() * step - w) * chosen


def pointwise_weights(network: Network) -> torch.Tensor:
    """Flat, 1 for the weights that eight-bit kernels hold."""
    chosen = torch.zeros(network.weights)
    for c in network.convs.values():
        if c.pointwise:
            chosen[c.weights_place] = 1
    return chosen


class InputRanges:
    """Least and greatest number of each value that a pointwise layer reads, as (2) tensors: what graphs that were recorded read."""

    def __init__(self, network: Network, device: torch.device) -> None:
        self.names = list(dict.fromkeys(c.source for c in network.convs.values() if c.pointwise))
        self.steps = {n: (torch.ones(1, device=device), torch.zeros(1, dtype=torch.int32, device=device)) for n in self.names}

    def set(self, least: dict[str, torch.Tensor], most: dict[str, torch.Tensor]) -> None:
        """Zero becomes a whole number: what padding or a ReLU made zero stays zero."""
        for name in self.names:
            low, high = least[name].clamp(max=0), most[name].clamp(min=0)
            step, zero = self.steps[name]
            step.copy_(((high - low) / LEVELS).clamp(min=1e-8))
            zero.copy_((-low / step).round().clamp(0, LEVELS))

    def quantised(self, name: str, x: torch.Tensor) -> torch.Tensor:
        step, zero = self.steps[name]
        return kernels.quantised(x, step, zero, LEVELS)

    def state(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        return {n: (s.cpu(), z.cpu()) for n, (s, z) in self.steps.items()}

    def restore(self, state: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> None:
        for name, (step, zero) in state.items():
            self.steps[name][0].copy_(step)
            self.steps[name][1].copy_(zero)


class Observer:
    """Wraps a `conv` and keeps, of what pointwise layers read, the range that holds `share` of the numbers of a batch; as many are
    left out below as above. `least` and `most` are means over batches."""

    def __init__(self, conv: Convolve, share: float = 1.0) -> None:
        self.conv, self.fused, self.share = conv, getattr(conv, "fused", False), share
        self.found: dict[str, list[torch.Tensor]] = {}

    def __call__(self, c: Convolution, x: torch.Tensor) -> torch.Tensor:
        if c.pointwise:
            self.found.setdefault(c.source, []).append(self._range(x.detach()))
        return self.conv(c, x)

    def _range(self, x: torch.Tensor) -> torch.Tensor:
        every = max(1, x.numel() // 2**21)  # so many numbers tell the quantiles
        values = x.permute(0, 2, 3, 1).flatten()[::every].float().sort().values
        out = round(len(values) * (1 - self.share) / 2)
        return torch.stack([values[out], values[len(values) - 1 - out]])

    @property
    def least(self) -> dict[str, torch.Tensor]:
        return {n: torch.stack(v).mean(0)[0] for n, v in self.found.items()}

    @property
    def most(self) -> dict[str, torch.Tensor]:
        return {n: torch.stack(v).mean(0)[1] for n, v in self.found.items()}


def int8_network(network: Network, weights: torch.Tensor, biases: torch.Tensor, ranges: InputRanges) -> Convolve:
    """`conv` of a plain network as eight-bit kernels compute it."""
    rounded = round_weights(
        weights, network.row_of_weight().to(weights.device), network.channels, pointwise_weights(network).to(weights.device)
    )
    plain = network.biased(rounded, biases)

    def conv(c: Convolution, x: torch.Tensor) -> torch.Tensor:
        return plain(c, ranges.quantised(c.source, x) if c.pointwise else x)

    return conv


@torch.no_grad()
def calibrated(
    network: Network, weights: torch.Tensor, biases: torch.Tensor, batches: list[torch.Tensor], wanted: list[str]
) -> InputRanges:
    """Ranges of a plain network on batches of images."""
    observer = Observer(network.biased(weights, biases), SHARE)
    for images in batches:
        network.run(images, wanted, observer)
    ranges = InputRanges(network, weights.device)
    ranges.set(observer.least, observer.most)
    return ranges
