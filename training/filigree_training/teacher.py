"""The dense network: what it says of a batch, and how its values are spread."""

from __future__ import annotations

import torch

from . import kernels
from .heads import Head
from .network import Convolution, Convolve, Network, convolved, cut_points

Values = list[torch.Tensor]


class Teacher:
    """@param dtype: what it computes in"""

    def __init__(self, network: Network, head: Head, device: torch.device, dtype: torch.dtype) -> None:
        self.network, self.head, self.device, self.dtype = network, head, device, dtype
        head.to(device)
        self.hints = cut_points(network)
        self.wanted = [*head.wanted, *self.hints]
        self.weights, self.biases = network.flat_weights().to(device), network.flat_biases().to(device)
        self.rows = network.row_of_weight().to(device)
        self._cast = self._fused(self.weights.to(dtype), self.biases.to(dtype))

    def _fused(self, weights: torch.Tensor, biases: torch.Tensor) -> Convolve:
        w, b = self.network.split_weights(weights), self.network.split_channels(biases)

        def conv(c: Convolution, x: torch.Tensor) -> torch.Tensor:
            y = convolved(c, x, w[c.output])
            return kernels.bias_activation(y, b[c.output], c.activation)

        conv.fused = True  # type: ignore[attr-defined]
        return conv

    def split(self, values: Values) -> tuple[Values, Values]:
        """What the head says, and hints."""
        n = len(self.head.wanted)
        return values[:n], values[n:]

    @torch.no_grad()
    def __call__(self, images: torch.Tensor) -> tuple[Values, Values]:
        return self.split(self.network.run(images.to(self.dtype), self.wanted, self._cast))

    def calibrate(self, batches: list[torch.Tensor]) -> None:
        """Sets `spread` of its own convolutions and, of each hint, (C) 1 / variance."""
        self.spread, variances = spread(self.network, self.weights, self.biases, self.wanted, batches)
        self.precision = [1 / (v + 0.1 * v.mean()) for v in variances[len(self.head.wanted) :]]


Spread = tuple[torch.Tensor, torch.Tensor]


@torch.no_grad()
def spread(
    network: Network, weights: torch.Tensor, biases: torch.Tensor, wanted: list[str], batches: list[torch.Tensor]
) -> tuple[Spread, list[torch.Tensor]]:
    """Of a plain network: deviation and mean (channels) of what convolutions make, without their bias, and the variance by
    channel of each wanted value."""
    moments: dict[str, list[Spread]] = {}
    plain, bias = network.biased(weights, torch.zeros_like(biases)), network.split_channels(biases)

    def conv(c: Convolution, x: torch.Tensor) -> torch.Tensor:
        y = plain(c, x)
        moments.setdefault(c.output, []).append(torch.var_mean(y, (0, 2, 3), unbiased=False))
        return y + bias[c.output].view(1, -1, 1, 1)

    ends = [[v.transpose(0, 1).flatten(1).var(1) for v in network.run(images, wanted, conv)] for images in batches]
    deviation, mean = torch.ones_like(biases), torch.zeros_like(biases)
    for c in network.convs.values():
        deviation[c.channels_place] = torch.stack([v for v, _ in moments[c.output]]).mean(0).sqrt()
        mean[c.channels_place] = torch.stack([m for _, m in moments[c.output]]).mean(0)
    return (deviation, mean), [torch.stack(v).mean(0) for v in zip(*ends)]
