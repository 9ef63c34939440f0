"""Photographs from folders and tar files, decoded once into one array of bytes.

A photo lies at the top left of a grey square, its longer side `side` pixels; sizes say where it ends.
"""

from __future__ import annotations

import io
import os
import tarfile
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

GREY = 114
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass
class Photos:
    """pixels (N, side, side, 3) uint8 RGB, sizes (N, 2) height and width, names."""

    pixels: np.ndarray
    sizes: np.ndarray
    names: list[str]

    def chosen(self, where: np.ndarray) -> Photos:
        return Photos(self.pixels[where], self.sizes[where], [self.names[i] for i in np.flatnonzero(where)])


def held_out(names: list[str], share: float = 0.04) -> np.ndarray:
    """(N) true for photographs that no student trains on: about `share` of all, by name, so the same ones in every run."""
    return np.array([zlib.crc32(n.encode()) % 10000 < 10000 * share for n in names])


def sources(paths: list[str]) -> list[tuple[str, str | tuple[str, int, int]]]:
    """(name, path) of files in folders, (name, (tar, offset, length)) of those in tar files."""
    found: list[tuple[str, str | tuple[str, int, int]]] = []
    for path in map(Path, paths):
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
            found += [(p.stem, str(p)) for p in files]
            for tar in sorted(path.rglob("*.tar")):
                found += _members(tar)
        elif path.suffix == ".tar":
            found += _members(path)
        else:
            raise ValueError(f"{path}: wanted a folder or a .tar file")
    return found


def _members(path: Path) -> list[tuple[str, str | tuple[str, int, int]]]:
    with tarfile.open(path) as tar:
        return [
            (Path(m.name).stem, (str(path), m.offset_data, m.size))
            for m in tar
            if m.isfile() and Path(m.name).suffix.lower() in SUFFIXES
        ]


def load(paths: list[str], side: int, cache: str, workers: int | None = None) -> Photos:
    """Decodes with as many processes as there are cores, into a file at `cache` that is mapped to memory."""
    found = sources(paths)
    if not found:
        raise ValueError(f"no photographs in {', '.join(paths)}")
    np.memmap(cache, np.uint8, "w+", shape=(len(found), side, side, 3)).flush()
    jobs = [(cache, len(found), side, i, source) for i, (_, source) in enumerate(found)]
    with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        sizes = list(pool.map(_decode, jobs, chunksize=16))
    good = np.array([s[0] > 0 for s in sizes])
    photos = Photos(np.memmap(cache, np.uint8, "r", shape=(len(found), side, side, 3)), np.array(sizes, np.int64), [n for n, _ in found])
    return photos if good.all() else photos.chosen(good)


def _decode(job) -> tuple[int, int]:
    cache, count, side, index, source = job
    if isinstance(source, str):
        data = Path(source).read_bytes()
    else:
        with open(source[0], "rb") as file:
            file.seek(source[1])
            data = file.read(source[2])
    try:
        image = Image.open(io.BytesIO(data)).convert("RGB")
    except (OSError, ValueError):
        return 0, 0
    ratio = side / max(image.size)
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC if ratio > 0.7 else Image.Resampling.LANCZOS, reducing_gap=3 if ratio < 0.4 else None)
    canvas = np.memmap(cache, np.uint8, "r+", shape=(count, side, side, 3))[index]
    canvas[:] = GREY
    canvas[: size[1], : size[0]] = np.asarray(image)
    return size[1], size[0]
