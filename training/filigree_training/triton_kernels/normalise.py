"""Normalisation with its activation, and a bias with its activation."""

import torch
import triton
import triton.language as tl

from .tiles import cut, rows_last


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
