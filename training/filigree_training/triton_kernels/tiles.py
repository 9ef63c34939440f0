"""How kernels cut values (N, C, H, W), channels last, into rows and tiles."""

import os

import torch
import triton

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
