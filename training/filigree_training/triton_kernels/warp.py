"""Geometry and colours of augmentation."""

import torch
import triton
import triton.language as tl


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
