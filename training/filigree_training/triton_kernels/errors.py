"""Squared errors of features."""

import torch
import triton
import triton.language as tl

from .tiles import cut, rows_last


@triton.jit(do_not_specialize=["rows", "each"])
def error_kernel(s, t, spread, partial, rows, each, channels: tl.constexpr, TALL: tl.constexpr, WIDE: tl.constexpr):
    program = tl.program_id(0)
    c = tl.arange(0, WIDE)
    total = tl.zeros((TALL, WIDE), tl.float32)
    for start in range(0, each, TALL):
        r = program * each + start + tl.arange(0, TALL)
        inside = (r < rows)[:, None] & (c < channels)[None, :]
        at = r[:, None].to(tl.int64) * channels + c[None, :]
        d = tl.load(s + at, mask=inside, other=0.0).to(tl.float32) - tl.load(t + at, mask=inside, other=0.0).to(tl.float32)
        total += d * d
    tl.store(partial + program, tl.sum(tl.sum(total, 0) * tl.load(spread + c, mask=c < channels, other=0.0), 0))


@triton.jit(do_not_specialize=["rows", "each"])
def error_slope_kernel(s, t, spread, g, gs, factor, rows, each, channels: tl.constexpr, TALL: tl.constexpr, WIDE: tl.constexpr):
    program = tl.program_id(0)
    c = tl.arange(0, WIDE)
    weight = tl.load(spread + c, mask=c < channels, other=0.0) * tl.load(g) * factor
    for start in range(0, each, TALL):
        r = program * each + start + tl.arange(0, TALL)
        inside = (r < rows)[:, None] & (c < channels)[None, :]
        at = r[:, None].to(tl.int64) * channels + c[None, :]
        d = tl.load(s + at, mask=inside, other=0.0).to(tl.float32) - tl.load(t + at, mask=inside, other=0.0).to(tl.float32)
        tl.store(gs + at, (d * weight[None, :]).to(gs.dtype.element_ty), mask=inside)


class SquaredError(torch.autograd.Function):
    @staticmethod
    def forward(ctx, s, t, spread):
        s, flat = rows_last(s)
        t, _ = rows_last(t)
        rows, channels = flat.shape
        each, programs, tall, wide = cut(rows, channels)
        partial = torch.empty(programs, device=s.device)
        error_kernel[(programs,)](s, t, spread, partial, rows, each, channels, tall, wide)
        ctx.save_for_backward(s, t, spread)
        return partial.sum() / (rows * channels)

    @staticmethod
    def backward(ctx, g):
        s, t, spread = ctx.saved_tensors
        rows, channels = s.numel() // s.shape[1], s.shape[1]
        each, programs, tall, wide = cut(rows, channels)
        gs = torch.empty_like(s)
        error_slope_kernel[(programs,)](s, t, spread, g.float().contiguous(), gs, 2.0 / (rows * channels), rows, each, channels, tall, wide)
        return gs, None, None
