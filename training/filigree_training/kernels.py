"""The Triton kernels where there is a GPU for them, plain PyTorch elsewhere."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

fast: Any
try:
    from . import triton_kernels as fast
except ImportError:  # PyTorch for CPUs comes without Triton
    fast = None

PLAIN_ACTIVATIONS = {"": lambda x: x, "Silu": F.silu, "HardSwish": F.hardswish, "Relu": F.relu, "Relu6": F.relu6}


def usable(x: torch.Tensor) -> bool:
    return fast is not None and fast.usable(x)


def norm_activation(
    x: torch.Tensor,
    gamma: torch.Tensor,
    beta: torch.Tensor,
    running: torch.Tensor,
    momentum: torch.Tensor,
    epsilon: float,
    mode: str,
    activation: str,
) -> torch.Tensor:
    """activation(γ · (x − mean) / √(variance + ε) + β) of x (N, C, H, W); gamma and beta (C) float32.

    @param running: (2, C) mean and variance, which move by `momentum` towards the batch's unless frozen
    @param mode: "batch": statistics of the batch; "running": those of `running`, with
      the gradient of batch normalisation (Batch Renormalization, Ioffe 2017, arXiv 1702.03275); "frozen": those of `running`
    """
    if usable(x):
        return fast.NormActivation.apply(x, gamma, beta, running, momentum, epsilon, mode, fast.ACTIVATIONS[activation])
    return PLAIN_ACTIVATIONS[activation](_normalised(x, gamma, beta, running, momentum, epsilon, mode))


def _normalised(
    x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor, running: torch.Tensor, momentum: torch.Tensor, epsilon: float, mode: str
) -> torch.Tensor:
    mean, variance = running.clone()
    if mode == "frozen":
        return F.batch_norm(x, mean, variance, gamma, beta, False, 0.0, epsilon)
    with torch.no_grad():
        own, middle = torch.var_mean(x.to(running.dtype), (0, 2, 3), unbiased=False)
        sharp = (variance + epsilon).rsqrt()
        r, d = sharp * (own + epsilon).sqrt(), (middle - mean) * sharp
        running += momentum * (torch.stack([middle, own]) - running)
    if mode == "batch":
        return F.batch_norm(x, None, None, gamma, beta, True, 0.0, epsilon)
    return F.batch_norm(x, None, None, gamma * r, beta + gamma * d, True, 0.0, epsilon)


def bias_activation(x: torch.Tensor, bias: torch.Tensor, activation: str) -> torch.Tensor:
    """activation(x + bias), of a network that does not learn."""
    if usable(x):
        return fast.bias_activation(x, bias, fast.ACTIVATIONS[activation])
    return PLAIN_ACTIVATIONS[activation](x + bias.view(1, -1, 1, 1))


def squared_error(s: torch.Tensor, t: torch.Tensor, precision: torch.Tensor) -> torch.Tensor:
    """Mean of (s − t)² · precision[channel]; `t` has no gradient."""
    if usable(s):
        return fast.SquaredError.apply(s, t, precision)
    return ((s.float() - t.float()).square() * precision.view(1, -1, 1, 1)).mean()


def quantised(x: torch.Tensor, step: torch.Tensor, zero: torch.Tensor, levels: int) -> torch.Tensor:
    """x to the nearest of 0…levels steps from −zero · step on, and back; gradients pass straight through where nothing is clamped.

    @param step: (1) float32, zero (1) int32
    """
    if usable(x):
        return fast.Quantise.apply(x, step, zero, levels)
    return torch.fake_quantize_per_tensor_affine(x.float(), step, zero, 0, levels).to(x.dtype)
