"""The Triton kernels where there is a GPU for them, plain PyTorch elsewhere."""

from __future__ import annotations

import torch
import torch.nn.functional as F

try:
    from . import kernels_triton as fast
except ImportError:  # PyTorch for CPUs comes without Triton
    fast = None  # type: ignore[assignment]

PLAIN_ACTIVATIONS = {"": lambda x: x, "Silu": F.silu, "HardSwish": F.hardswish, "Relu": F.relu}


def usable(x: torch.Tensor) -> bool:
    return fast is not None and fast.usable(x)


def norm_activation(x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor, epsilon: float, activation: str) -> torch.Tensor:
    """activation(batch_norm(x)) with the batch's own statistics, (N, C, H, W); gamma and beta (C) float32."""
    if usable(x):
        return fast.NormActivation.apply(x, gamma, beta, epsilon, fast.ACTIVATIONS[activation])
    return PLAIN_ACTIVATIONS[activation](F.batch_norm(x, None, None, gamma, beta, True, 0.0, epsilon))


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
