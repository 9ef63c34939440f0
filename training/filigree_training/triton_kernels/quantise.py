"""Eight bits imitated."""

import torch
import triton
import triton.language as tl

from .tiles import rows_last


@triton.jit
def quantise_kernel(x, step, zero, y, count, LEVELS: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    s, z = tl.load(step), tl.load(zero).to(tl.float32)
    v = tl.load(x + at, mask=at < count, other=0.0).to(tl.float32)
    q = tl.minimum(tl.maximum(tl.floor(v / s + z + 0.5), 0.0), LEVELS)
    tl.store(y + at, ((q - z) * s).to(y.dtype.element_ty), mask=at < count)


@triton.jit
def quantise_slope_kernel(x, gy, step, zero, gx, count, LEVELS: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    s, z = tl.load(step), tl.load(zero).to(tl.float32)
    q = tl.load(x + at, mask=at < count, other=0.0).to(tl.float32) / s + z
    g = tl.load(gy + at, mask=at < count, other=0.0)
    tl.store(gx + at, tl.where((q >= -0.5) & (q <= LEVELS + 0.5), g, 0.0).to(gx.dtype.element_ty), mask=at < count)


class Quantise(torch.autograd.Function):
    """x to the nearest of 0…levels steps and back; gradients pass where nothing is clamped."""

    @staticmethod
    def forward(ctx, x, step, zero, levels):
        x, _ = rows_last(x)
        y, block = torch.empty_like(x), 2048
        quantise_kernel[(triton.cdiv(x.numel(), block),)](x, step, zero, y, x.numel(), levels, block)
        ctx.save_for_backward(x, step, zero)
        ctx.levels = levels
        return y

    @staticmethod
    def backward(ctx, gy):
        x, step, zero = ctx.saved_tensors
        gy, _ = rows_last(gy)
        gx, block = torch.empty_like(x), 2048
        quantise_slope_kernel[(triton.cdiv(x.numel(), block),)](x, gy, step, zero, gx, x.numel(), ctx.levels, block)
        return gx, None, None, None
