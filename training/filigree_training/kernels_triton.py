"""Triton kernels for what PyTorch does slowly at these shapes: batch normalisation with its activation (channels last), squared
errors of features, and the geometry of augmentation. Everything has a plain form, used without a GPU and as the reference in
tests/test_kernels.py (TRITON_INTERPRET=1 on a machine without a GPU). PLAIN=1 turns them off.
"""

import os

import torch
import triton
import triton.language as tl

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
PLAIN = os.environ.get("PLAIN") == "1"
PROGRAMS = 528  # four for each multiprocessor of an H200


def usable(x):
    return (x.is_cuda or INTERPRETED) and not PLAIN


def rows_last(x):
    """(N, C, H, W), channels last, as (N · H · W, C) without a copy."""
    x = x if x.is_contiguous(memory_format=torch.channels_last) else x.contiguous(memory_format=torch.channels_last)
    return x, x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def cut(rows, channels):
    """Rows a program takes, in steps of a tile, and the tile (rows, channels)."""
    wide = max(16, triton.next_power_of_2(channels))
    tall = max(8, 4096 // wide)
    each = triton.cdiv(triton.cdiv(rows, PROGRAMS), tall) * tall
    return each, triton.cdiv(rows, each), tall, wide


@triton.jit(do_not_specialize=["rows", "each"])
def moments_kernel(x, partial, rows, each, channels: tl.constexpr, TALL: tl.constexpr, WIDE: tl.constexpr):
    # x (rows, channels) → partial (programs, 2, channels): sums and sums of squares
    program = tl.program_id(0)
    c = tl.arange(0, WIDE)
    total, squares = tl.zeros((TALL, WIDE), tl.float32), tl.zeros((TALL, WIDE), tl.float32)
    for start in range(0, each, TALL):
        r = program * each + start + tl.arange(0, TALL)
        inside = (r < rows)[:, None] & (c < channels)[None, :]
        v = tl.load(x + r[:, None].to(tl.int64) * channels + c[None, :], mask=inside, other=0.0).to(tl.float32)
        total += v
        squares += v * v
    tl.store(partial + program * 2 * channels + c, tl.sum(total, 0), mask=c < channels)
    tl.store(partial + program * 2 * channels + channels + c, tl.sum(squares, 0), mask=c < channels)


@triton.jit(do_not_specialize=["rows", "programs"])
def affine_kernel(
    partial,
    gamma,
    beta,
    running,
    momentum,
    table,
    rows,
    programs,
    epsilon,
    channels: tl.constexpr,
    OWN: tl.constexpr,
    WIDE: tl.constexpr,
    DEEP: tl.constexpr,
):
    # table (6, channels): scale and shift of x, the batch's mean and 1 / deviation, and r, d of x̂ = r · x̂ of the batch + d
    # running (2, channels): mean and variance, which move towards the batch's; OWN: the batch's own are used instead
    c = tl.program_id(0) * WIDE + tl.arange(0, WIDE)
    ok = c < channels
    total, squares = tl.zeros((WIDE,), tl.float32), tl.zeros((WIDE,), tl.float32)
    for start in range(0, programs, DEEP):
        p = start + tl.arange(0, DEEP)
        inside = (p < programs)[:, None] & ok[None, :]
        at = partial + p[:, None] * 2 * channels + c[None, :]
        total += tl.sum(tl.load(at, mask=inside, other=0.0), 0)
        squares += tl.sum(tl.load(at + channels, mask=inside, other=0.0), 0)
    mean = total / rows
    variance = tl.maximum(squares / rows - mean * mean, 0.0)
    inverse = tl.rsqrt(variance + epsilon)
    middle = tl.load(running + c, mask=ok, other=0.0)
    old = tl.load(running + channels + c, mask=ok, other=1.0)
    sharp = tl.rsqrt(old + epsilon)
    by = tl.load(momentum)
    tl.store(running + c, middle + by * (mean - middle), mask=ok)
    tl.store(running + channels + c, old + by * (variance - old), mask=ok)
    if OWN:
        middle, sharp = mean, inverse
    scale = tl.load(gamma + c, mask=ok, other=0.0) * sharp
    tl.store(table + c, scale, mask=ok)
    tl.store(table + channels + c, tl.load(beta + c, mask=ok, other=0.0) - middle * scale, mask=ok)
    tl.store(table + 2 * channels + c, mean, mask=ok)
    tl.store(table + 3 * channels + c, inverse, mask=ok)
    tl.store(table + 4 * channels + c, sharp / inverse, mask=ok)
    tl.store(table + 5 * channels + c, (mean - middle) * sharp, mask=ok)


@triton.jit
def frozen_kernel(gamma, beta, running, table, epsilon, channels: tl.constexpr, WIDE: tl.constexpr):
    # table as above, of statistics that stay: x̂ is (x − mean) · inverse
    c = tl.program_id(0) * WIDE + tl.arange(0, WIDE)
    ok = c < channels
    mean = tl.load(running + c, mask=ok, other=0.0)
    inverse = tl.rsqrt(tl.load(running + channels + c, mask=ok, other=1.0) + epsilon)
    scale = tl.load(gamma + c, mask=ok, other=0.0) * inverse
    tl.store(table + c, scale, mask=ok)
    tl.store(table + channels + c, tl.load(beta + c, mask=ok, other=0.0) - mean * scale, mask=ok)
    tl.store(table + 2 * channels + c, mean, mask=ok)
    tl.store(table + 3 * channels + c, inverse, mask=ok)
    tl.store(table + 4 * channels + c, 1.0, mask=ok)
    tl.store(table + 5 * channels + c, 0.0, mask=ok)


@triton.jit
def activated(z, ACT: tl.constexpr):
    # 0 none, 1 SiLU, 2 hard-swish, 3 ReLU, 4 ReLU6
    if ACT == 1:
        z = z / (1 + tl.exp(-z))
    elif ACT == 2:
        z = z * tl.minimum(tl.maximum(z + 3, 0.0), 6.0) / 6
    elif ACT == 3:
        z = tl.maximum(z, 0.0)
    elif ACT == 4:
        z = tl.minimum(tl.maximum(z, 0.0), 6.0)
    return z


@triton.jit
def slope(z, ACT: tl.constexpr):
    # of `activated` at z
    if ACT == 1:
        s = 1 / (1 + tl.exp(-z))
        d = s * (1 + z * (1 - s))
    elif ACT == 2:
        d = tl.where(z <= -3, 0.0, tl.where(z >= 3, 1.0, z / 3 + 0.5))
    elif ACT == 3:
        d = tl.where(z > 0, 1.0, 0.0)
    elif ACT == 4:
        d = tl.where((z > 0) & (z < 6), 1.0, 0.0)
    else:
        d = z * 0 + 1
    return d


@triton.jit(do_not_specialize=["rows", "each"])
def normal_kernel(x, table, y, rows, each, channels: tl.constexpr, TALL: tl.constexpr, WIDE: tl.constexpr, ACT: tl.constexpr):
    program = tl.program_id(0)
    c = tl.arange(0, WIDE)
    scale = tl.load(table + c, mask=c < channels, other=0.0)
    shift = tl.load(table + channels + c, mask=c < channels, other=0.0)
    for start in range(0, each, TALL):
        r = program * each + start + tl.arange(0, TALL)
        inside = (r < rows)[:, None] & (c < channels)[None, :]
        at = r[:, None].to(tl.int64) * channels + c[None, :]
        z = tl.load(x + at, mask=inside, other=0.0).to(tl.float32) * scale[None, :] + shift[None, :]
        tl.store(y + at, activated(z, ACT).to(y.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=["rows", "each"])
def slopes_kernel(x, gy, table, partial, rows, each, channels: tl.constexpr, TALL: tl.constexpr, WIDE: tl.constexpr, ACT: tl.constexpr):
    # partial (programs, 2, channels): sums of dz and of dz · x̂
    program = tl.program_id(0)
    c = tl.arange(0, WIDE)
    scale = tl.load(table + c, mask=c < channels, other=0.0)
    shift = tl.load(table + channels + c, mask=c < channels, other=0.0)
    mean = tl.load(table + 2 * channels + c, mask=c < channels, other=0.0)
    inverse = tl.load(table + 3 * channels + c, mask=c < channels, other=0.0)
    total, along = tl.zeros((TALL, WIDE), tl.float32), tl.zeros((TALL, WIDE), tl.float32)
    for start in range(0, each, TALL):
        r = program * each + start + tl.arange(0, TALL)
        inside = (r < rows)[:, None] & (c < channels)[None, :]
        at = r[:, None].to(tl.int64) * channels + c[None, :]
        v = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
        g = tl.load(gy + at, mask=inside, other=0.0).to(tl.float32)
        z = v * scale[None, :] + shift[None, :]
        dz = g * slope(z, ACT)
        total += dz
        along += dz * (v - mean[None, :]) * inverse[None, :]
    tl.store(partial + program * 2 * channels + c, tl.sum(total, 0), mask=c < channels)
    tl.store(partial + program * 2 * channels + channels + c, tl.sum(along, 0), mask=c < channels)


@triton.jit(do_not_specialize=["rows", "each"])
def plain_descent_kernel(
    x, gy, table, partial, gx, rows, each, channels: tl.constexpr, TALL: tl.constexpr, WIDE: tl.constexpr, ACT: tl.constexpr
):
    # `slopes` and the gradient at x in one pass, where statistics do not depend on x
    program = tl.program_id(0)
    c = tl.arange(0, WIDE)
    scale = tl.load(table + c, mask=c < channels, other=0.0)
    shift = tl.load(table + channels + c, mask=c < channels, other=0.0)
    mean = tl.load(table + 2 * channels + c, mask=c < channels, other=0.0)
    inverse = tl.load(table + 3 * channels + c, mask=c < channels, other=0.0)
    total, along = tl.zeros((TALL, WIDE), tl.float32), tl.zeros((TALL, WIDE), tl.float32)
    for start in range(0, each, TALL):
        r = program * each + start + tl.arange(0, TALL)
        inside = (r < rows)[:, None] & (c < channels)[None, :]
        at = r[:, None].to(tl.int64) * channels + c[None, :]
        v = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
        g = tl.load(gy + at, mask=inside, other=0.0).to(tl.float32)
        dz = g * slope(v * scale[None, :] + shift[None, :], ACT)
        total += dz
        along += dz * (v - mean[None, :]) * inverse[None, :]
        tl.store(gx + at, (scale[None, :] * dz).to(gx.dtype.element_ty), mask=inside)
    tl.store(partial + program * 2 * channels + c, tl.sum(total, 0), mask=c < channels)
    tl.store(partial + program * 2 * channels + channels + c, tl.sum(along, 0), mask=c < channels)


@triton.jit(do_not_specialize=["programs"])
def sums_kernel(partial, table, sums, programs, channels: tl.constexpr, WIDE: tl.constexpr, DEEP: tl.constexpr):
    # (programs, 2, channels) → (3, channels): sums of dz, of dz · x̂ of the batch, of dz · x̂ as it was used
    c = tl.program_id(0) * WIDE + tl.arange(0, WIDE)
    ok = c < channels
    first, second = tl.zeros((WIDE,), tl.float32), tl.zeros((WIDE,), tl.float32)
    for start in range(0, programs, DEEP):
        p = start + tl.arange(0, DEEP)
        inside = (p < programs)[:, None] & ok[None, :]
        at = partial + p[:, None] * 2 * channels + c[None, :]
        first += tl.sum(tl.load(at, mask=inside, other=0.0), 0)
        second += tl.sum(tl.load(at + channels, mask=inside, other=0.0), 0)
    r = tl.load(table + 4 * channels + c, mask=ok, other=0.0)
    d = tl.load(table + 5 * channels + c, mask=ok, other=0.0)
    tl.store(sums + c, first, mask=ok)
    tl.store(sums + channels + c, second, mask=ok)
    tl.store(sums + 2 * channels + c, second * r + first * d, mask=ok)


@triton.jit(do_not_specialize=["rows", "each"])
def descent_kernel(x, gy, table, sums, gx, rows, each, channels: tl.constexpr, TALL: tl.constexpr, WIDE: tl.constexpr, ACT: tl.constexpr):
    program = tl.program_id(0)
    c = tl.arange(0, WIDE)
    scale = tl.load(table + c, mask=c < channels, other=0.0)
    shift = tl.load(table + channels + c, mask=c < channels, other=0.0)
    mean = tl.load(table + 2 * channels + c, mask=c < channels, other=0.0)
    inverse = tl.load(table + 3 * channels + c, mask=c < channels, other=0.0)
    middle = tl.load(sums + c, mask=c < channels, other=0.0) / rows
    along = tl.load(sums + channels + c, mask=c < channels, other=0.0) / rows
    for start in range(0, each, TALL):
        r = program * each + start + tl.arange(0, TALL)
        inside = (r < rows)[:, None] & (c < channels)[None, :]
        at = r[:, None].to(tl.int64) * channels + c[None, :]
        v = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
        g = tl.load(gy + at, mask=inside, other=0.0).to(tl.float32)
        z = v * scale[None, :] + shift[None, :]
        dz = g * slope(z, ACT)
        d = scale[None, :] * (dz - middle[None, :] - (v - mean[None, :]) * inverse[None, :] * along[None, :])
        tl.store(gx + at, d.to(gx.dtype.element_ty), mask=inside)


ACTIVATIONS = {"": 0, "Silu": 1, "HardSwish": 2, "Relu": 3, "Relu6": 4}


NARROW, DEEP = 16, 512  # channels and partial sums of a program that adds them up


class NormActivation(torch.autograd.Function):
    """As kernels.norm_activation says. Frozen statistics take one pass forward and one backward, others two each; all in float32."""

    @staticmethod
    def forward(ctx, x, gamma, beta, running, momentum, epsilon, mode, act):
        x, flat = rows_last(x)
        rows, channels = flat.shape
        each, programs, tall, wide = cut(rows, channels)
        table = torch.empty(6, channels, device=x.device)
        y = torch.empty_like(x)
        grid = (triton.cdiv(channels, NARROW),)
        if mode == "frozen":
            frozen_kernel[grid](gamma, beta, running, table, epsilon, channels, NARROW)
        else:
            partial = torch.empty(programs, 2, channels, device=x.device)
            moments_kernel[(programs,)](x, partial, rows, each, channels, tall, wide)
            own = mode == "batch"
            affine_kernel[grid](partial, gamma, beta, running, momentum, table, rows, programs, epsilon, channels, own, NARROW, DEEP)
        normal_kernel[(programs,)](x, table, y, rows, each, channels, tall, wide, act)
        ctx.save_for_backward(x, table)
        ctx.act, ctx.frozen = act, mode == "frozen"
        return y

    @staticmethod
    def backward(ctx, gy):
        x, table = ctx.saved_tensors
        gy, flat = rows_last(gy)
        rows, channels = flat.shape
        each, programs, tall, wide = cut(rows, channels)
        partial = torch.empty(programs, 2, channels, device=x.device)
        sums = torch.empty(3, channels, device=x.device)
        gx = torch.empty_like(x)
        if ctx.frozen:
            plain_descent_kernel[(programs,)](x, gy, table, partial, gx, rows, each, channels, tall, wide, ctx.act)
        else:
            slopes_kernel[(programs,)](x, gy, table, partial, rows, each, channels, tall, wide, ctx.act)
        sums_kernel[(triton.cdiv(channels, NARROW),)](partial, table, sums, programs, channels, NARROW, DEEP)
        if not ctx.frozen:
            descent_kernel[(programs,)](x, gy, table, sums, gx, rows, each, channels, tall, wide, ctx.act)
        return gx, sums[2], sums[0], None, None, None, None, None


@triton.jit(do_not_specialize=["rows", "each"])
def biased_kernel(x, shift, y, rows, each, channels: tl.constexpr, TALL: tl.constexpr, WIDE: tl.constexpr, ACT: tl.constexpr):
    program = tl.program_id(0)
    c = tl.arange(0, WIDE)
    by = tl.load(shift + c, mask=c < channels, other=0.0).to(tl.float32)
    for start in range(0, each, TALL):
        r = program * each + start + tl.arange(0, TALL)
        inside = (r < rows)[:, None] & (c < channels)[None, :]
        at = r[:, None].to(tl.int64) * channels + c[None, :]
        z = tl.load(x + at, mask=inside, other=0.0).to(tl.float32) + by[None, :]
        tl.store(y + at, activated(z, ACT).to(y.dtype.element_ty), mask=inside)


def bias_activation(x, bias, act):
    """activation(x + bias), without a gradient."""
    x, flat = rows_last(x)
    rows, channels = flat.shape
    each, programs, tall, wide = cut(rows, channels)
    y = torch.empty_like(x)
    biased_kernel[(programs,)](x, bias, y, rows, each, channels, tall, wide, act)
    return y


# ---- squared errors of features ----


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


# ---- eight bits ----


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


# ---- geometry of augmentation ----


@triton.jit
def warp_kernel(pixels, table, cross, colour, out, STORED: tl.constexpr, SIDE: tl.constexpr, GREY: tl.constexpr, BLOCK: tl.constexpr):
    # table (B, 4, 9): photo, height, width, scale x, scale y, shift x, shift y, mirror, unused; cross (B, 2); out (B, SIDE, SIDE, 3)
    image = tl.program_id(1)
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    ok = place < SIDE * SIDE
    row, column = place // SIDE, place % SIDE
    ox, oy = column.to(tl.float32) + 0.5, row.to(tl.float32) + 0.5
    cx, cy = tl.load(cross + image * 2), tl.load(cross + image * 2 + 1)
    tile = (ox >= cx).to(tl.int32) + 2 * (oy >= cy).to(tl.int32)
    entry = table + (image * 4 + tile) * 9
    photo = tl.load(entry).to(tl.int64)
    h, w = tl.load(entry + 1), tl.load(entry + 2)
    x = (ox - tl.load(entry + 5)) / tl.load(entry + 3)
    y = (oy - tl.load(entry + 6)) / tl.load(entry + 4)
    x = tl.where(tl.load(entry + 7) > 0, w - x, x)
    inside = ok & (x >= 0) & (x < w) & (y >= 0) & (y < h)
    x = tl.minimum(tl.maximum(x - 0.5, 0.0), w - 1)
    y = tl.minimum(tl.maximum(y - 0.5, 0.0), h - 1)
    left, top = x.to(tl.int32), y.to(tl.int32)
    fx, fy = x - left.to(tl.float32), y - top.to(tl.float32)
    right = tl.minimum(left + 1, w.to(tl.int32) - 1)
    low = tl.minimum(top + 1, h.to(tl.int32) - 1)
    base = photo * (STORED * STORED)
    a, b = (base + top * STORED + left) * 3, (base + top * STORED + right) * 3
    c, d = (base + low * STORED + left) * 3, (base + low * STORED + right) * 3
    to = (image.to(tl.int64) * SIDE * SIDE + place) * 3
    red = tl.where(inside, mixed(pixels, a, b, c, d, fx, fy, inside), GREY)
    green = tl.where(inside, mixed(pixels + 1, a, b, c, d, fx, fy, inside), GREY)
    blue = tl.where(inside, mixed(pixels + 2, a, b, c, d, fx, fy, inside), GREY)
    for k in tl.static_range(3):
        m = colour + image * 12 + k * 4
        v = tl.load(m) * red + tl.load(m + 1) * green + tl.load(m + 2) * blue + tl.load(m + 3)
        tl.store(out + to + k, tl.minimum(tl.maximum(v, 0.0), 255.0), mask=ok)


@triton.jit
def mixed(pixels, a, b, c, d, fx, fy, inside):
    va = tl.load(pixels + a, mask=inside, other=0).to(tl.float32)
    vb = tl.load(pixels + b, mask=inside, other=0).to(tl.float32)
    vc = tl.load(pixels + c, mask=inside, other=0).to(tl.float32)
    vd = tl.load(pixels + d, mask=inside, other=0).to(tl.float32)
    upper, lower = va + fx * (vb - va), vc + fx * (vd - vc)
    return upper + fy * (lower - upper)


def warp(pixels, stored, side, grey, colour, photo, height, width, is_mosaic, scale_x, scale_y, shift_x, shift_y, mirror, cross):
    """(B, 3, side, side) float32, channels last: each output pixel from its tile's photo, its colours through the image's matrix
    `colour` (B, 3, 4). The others are (B, 4), but `cross` (B, 2); see augment.Geometry. Photos are squares of `stored` pixels."""
    cross = torch.where(is_mosaic, cross, float(2 * side))  # without mosaic the first tile is everywhere
    size = len(photo)
    table = torch.stack([v.float() for v in (photo, height, width, scale_x, scale_y, shift_x, shift_y, mirror, mirror)], -1).contiguous()
    out = torch.empty(size, side, side, 3, device=pixels.device)
    block = 1024
    grid = (triton.cdiv(side * side, block), size)
    warp_kernel[grid](pixels, table, cross.contiguous(), colour.contiguous(), out, stored, side, float(grey), block)
    return out.permute(0, 3, 1, 2)
