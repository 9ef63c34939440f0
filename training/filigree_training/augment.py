"""Batches of augmented photographs, made where the photographs are: on the GPU.

One gather does all geometry: every output pixel knows its tile (of four in a mosaic, else the only one), the tile its photo, scale,
shift and mirror. Student and teacher see the same view ("a good teacher is patient and consistent", Beyer et al. 2022,
arXiv 2106.05237).
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch

from . import kernels
from .arrays import Array
from .photos import GREY, Photos
from .recipe import Augmentation, Input


@dataclass
class Geometry:
    """Of each tile (B, 4): photo, its height and width, scale, shift, mirror; of each image whether it is a mosaic (B, 1), the point
    where its tiles meet (B, 2) and its colour matrix (B, 3, 4)."""

    colour: torch.Tensor
    photo: torch.Tensor
    height: torch.Tensor
    width: torch.Tensor
    is_mosaic: torch.Tensor
    scale_x: torch.Tensor
    scale_y: torch.Tensor
    shift_x: torch.Tensor
    shift_y: torch.Tensor
    mirror: torch.Tensor
    cross: torch.Tensor


class Augmenter:
    """Images (B, 3, side, side) as the network reads them, channels last."""

    def __init__(self, photos: Photos, input: Input, side: int, device: torch.device) -> None:
        self.device, self.side, self.input = device, side, input
        self.stored = photos.parts[0].shape[1]
        self.pixels = torch.empty(len(photos.names) * self.stored**2, 3, dtype=torch.uint8, device=device)
        begin = 0
        for part in photos.parts:
            for i in range(0, len(part), 512):
                piece = torch.from_numpy(np.array(part[i : i + 512])).reshape(-1, 3)
                self.pixels[begin : begin + len(piece)] = piece.to(device)
                begin += len(piece)
        self.sizes = torch.from_numpy(photos.sizes).to(device).float()
        self.chosen = torch.arange(len(photos.names), device=device)
        to = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
        self.yiq, self.rgb = to.to(device), torch.linalg.inv(to).to(device)
        order = [0, 1, 2] if input.order == "RGB" else [2, 1, 0]
        self.order = torch.tensor(order, device=device)
        self.mean = torch.tensor(input.mean, device=device).view(1, 3, 1, 1)
        self.std = torch.tensor(input.std, device=device).view(1, 3, 1, 1)

    @property
    def count(self) -> int:
        return len(self.chosen)

    def of(self, where: Array) -> Augmenter:
        """The same with the photographs where `where` (N) is true."""
        other = copy.copy(self)
        other.chosen = torch.from_numpy(np.flatnonzero(where)).to(self.device)
        return other

    def uniform(self, shape: tuple[int, ...], low: float, high: float) -> torch.Tensor:
        return torch.rand(shape, device=self.device) * (high - low) + low

    def batch(self, size: int, a: Augmentation) -> torch.Tensor:
        geometry = self.geometry(size, a)
        images = self.warp(geometry)
        if a.mixup:
            share = torch.where(self.uniform((size,), 0, 1) < a.mixup, self.uniform((size,), 0.3, 0.5), 0.0).view(-1, 1, 1, 1)
            images = images * (1 - share) + images.roll(1, 0) * share
        return self.normalised(images)

    def normalised(self, images: torch.Tensor) -> torch.Tensor:
        """RGB 0…255 → what the network reads."""
        images = (images[:, self.order] - self.mean) / self.std
        return images.contiguous(memory_format=torch.channels_last)

    def plain(self, indices: torch.Tensor) -> torch.Tensor:
        """Photographs as they are in use."""
        n, indices = len(indices), self.chosen[indices]
        h, w = (v[:, None].expand(-1, 4) for v in self.sizes[indices].unbind(-1))
        sx, sy = self.fitted(h, w)
        zero = torch.zeros(n, 4, device=self.device)
        same = torch.cat([torch.eye(3), torch.zeros(3, 1)], 1).to(self.device).expand(n, -1, -1)
        geometry = Geometry(same, indices[:, None].expand(-1, 4), h, w, zero[:, :1] > 0, sx, sy, zero, zero, zero > 0, zero[:, :2])
        return self.normalised(self.warp(geometry))

    def fitted(self, h: torch.Tensor, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scales (x, y) by which a photo fits the input."""
        sx, sy = self.side / w, self.side / h
        return (sx, sy) if self.input.fit == "stretch" else (torch.minimum(sx, sy),) * 2

    def geometry(self, size: int, a: Augmentation) -> Geometry:
        u, side = self.uniform, self.side
        photo = self.chosen[(u((size, 4), 0, 1) * self.count).long().clamp(max=self.count - 1)]
        h, w = self.sizes[photo].unbind(-1)
        is_mosaic = u((size, 1), 0, 1) < a.mosaic
        zoom = torch.exp(u((size, 4), math.log(a.scale[0]), math.log(a.scale[1])))
        zoom = torch.where(is_mosaic, zoom * 0.6, zoom)
        skew = torch.exp(u((size, 4), -a.stretch, a.stretch))
        sx, sy = self.fitted(h, w)
        sx, sy = sx * zoom * skew, sy * zoom / skew
        mirror = u((size, 4), 0, 1) < 0.5
        # the tiles of a mosaic meet at a point near the middle; without one the first tile is everything
        cross = u((size, 2), 0.3 * side, 0.7 * side)
        cx, cy = cross[:, 0], cross[:, 1]
        zero, full = torch.zeros_like(cx), torch.full_like(cx, side)
        x0, x1 = torch.stack([zero, cx] * 2, 1), torch.stack([cx, full] * 2, 1)
        y0, y1 = torch.stack([zero] * 2 + [cy] * 2, 1), torch.stack([cy] * 2 + [full] * 2, 1)
        x0, y0 = x0 * is_mosaic, y0 * is_mosaic
        x1, y1 = torch.where(is_mosaic, x1, float(side)), torch.where(is_mosaic, y1, float(side))
        # a photo smaller than its tile lies anywhere in it, a larger one is cut anywhere
        tx = x0 + (x1 - x0 - w * sx) * u((size, 4), 0, 1)
        ty = y0 + (y1 - y0 - h * sy) * u((size, 4), 0, 1)
        return Geometry(self.colours(size, a.colour), photo, h, w, is_mosaic, sx, sy, tx, ty, mirror, cross)

    def warp(self, g: Geometry) -> torch.Tensor:
        """(B, 3, side, side) RGB 0…255: all that is done for every pixel."""
        if kernels.usable(self.pixels):
            return kernels.fast.warp(self.pixels, self.stored, self.side, GREY, **vars(g))
        return self.warp_plain(g)

    def warp_plain(self, g: Geometry) -> torch.Tensor:
        line = torch.arange(self.side, device=self.device) + 0.5
        right = (line[None] >= g.cross[:, :1]).long()  # (B, side)
        below = (line[None] >= g.cross[:, 1:]).long()
        tile = (right[:, None, :] + 2 * below[:, :, None]) * g.is_mosaic[:, :, None]  # (B, side, side)

        def at(values: torch.Tensor) -> torch.Tensor:  # (B, 4) → (B, side, side)
            return values.gather(1, tile.flatten(1)).view_as(tile)

        w, h = at(g.width), at(g.height)
        x = (line[None, None, :] - at(g.shift_x)) / at(g.scale_x)
        y = (line[None, :, None] - at(g.shift_y)) / at(g.scale_y)
        x = torch.where(at(g.mirror), w - x, x)
        inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
        x, y = (x - 0.5).clamp(min=0), (y - 0.5).clamp(min=0)
        x, y = torch.minimum(x, w - 1), torch.minimum(y, h - 1)
        left, top = x.floor(), y.floor()
        fx, fy = (x - left)[..., None], (y - top)[..., None]
        left, top = left.long(), top.long()
        next_x, next_y = torch.minimum(left + 1, w.long() - 1), torch.minimum(top + 1, h.long() - 1)
        base = at(g.photo) * self.stored**2

        def pixel(row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
            return self.pixels[base + row * self.stored + column].float()

        upper = torch.lerp(pixel(top, left), pixel(top, next_x), fx)
        lower = torch.lerp(pixel(next_y, left), pixel(next_y, next_x), fx)
        image = torch.where(inside[..., None], torch.lerp(upper, lower, fy), float(GREY))
        image = torch.einsum("bkj,bhwj->bhwk", g.colour[:, :, :3], image) + g.colour[:, None, None, :, 3]
        return image.clamp(0, 255).permute(0, 3, 1, 2)

    def colours(self, size: int, strength: float) -> torch.Tensor:
        """(B, 3, 4): saturation and hue through YIQ, contrast about the middle and brightness."""
        u = self.uniform
        angle = u((size,), -0.12, 0.12) * strength
        chroma = torch.exp(u((size,), -0.6, 0.45) * strength)
        turn = torch.zeros(size, 3, 3, device=self.device)
        turn[:, 0, 0] = 1
        turn[:, 1, 1] = turn[:, 2, 2] = torch.cos(angle) * chroma
        turn[:, 1, 2] = -torch.sin(angle) * chroma
        turn[:, 2, 1] = torch.sin(angle) * chroma
        gain = torch.exp(u((size, 1, 1), -0.3, 0.3) * strength)
        shift = u((size, 1, 1), -20, 20) * strength + 110 * (1 - gain) * u((size, 1, 1), 0, 1)
        return torch.cat([self.rgb @ turn @ self.yiq * gain, shift.expand(size, 3, 1)], -1)
