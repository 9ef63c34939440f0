"""Photographs from folders and tar files, decoded once: what was decoded is kept in a folder, for the next run.

A photo lies at the top left of a grey square, its longer side `side` pixels; sizes say where it ends.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .arrays import Array

GREY = 114
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass
class Photos:
    """parts: arrays (n, side, side, 3) uint8 RGB; of all of them in order: sizes (N, 2) height and width, and names."""

    parts: list[Array]
    sizes: Array
    names: list[str]


def held_out(names: list[str], share: float = 0.04) -> Array:
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
            (Path(m.name).stem, (str(path), m.offset_data, m.size)) for m in tar if m.isfile() and Path(m.name).suffix.lower() in SUFFIXES
        ]


def load(paths: list[str], side: int, cache: str, workers: int | None = None) -> Photos:
    """@param cache: a folder; what lies there already under a path's name is taken without looking at the path"""
    Path(cache).mkdir(parents=True, exist_ok=True)
    loaded = [_load(path, side, Path(cache) / f"{Path(path).name}-{side}", workers) for path in paths]
    return Photos(
        [p for photos in loaded for p in photos.parts], np.concatenate([p.sizes for p in loaded]), [n for p in loaded for n in p.names]
    )


def _load(path: str, side: int, cache: Path, workers: int | None) -> Photos:
    index = cache.with_suffix(".json")
    if not index.exists():
        found = sources([path])
        if not found:
            raise ValueError(f"no photographs in {path}")
        np.memmap(cache, np.uint8, "w+", shape=(len(found), side, side, 3)).flush()
        jobs = [(str(cache), len(found), side, i, source) for i, (_, source) in enumerate(found)]
        with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
            sizes = list(pool.map(_decode, jobs, chunksize=16))
        index.write_text(json.dumps({"names": [n for n, _ in found], "sizes": sizes}))
    kept = json.loads(index.read_text())
    extents: Array = np.array(kept["sizes"], np.int64)
    pixels = np.memmap(cache, np.uint8, "r", shape=(len(extents), side, side, 3))
    extents[extents[:, 0] == 0] = side  # could not be decoded: a grey square
    return Photos([pixels], extents, kept["names"])


Job = tuple[str, int, int, int, str | tuple[str, int, int]]  # cache, photographs in it, side, place, source


def _decode(job: Job) -> tuple[int, int]:
    cache, count, side, index, source = job
    if isinstance(source, str):
        data = Path(source).read_bytes()
    else:
        with Path(source[0]).open("rb") as file:
            file.seek(source[1])
            data = file.read(source[2])
    try:
        image = Image.open(io.BytesIO(data)).convert("RGB")
    except (OSError, ValueError):
        return 0, 0
    ratio = side / max(image.size)
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    if size != image.size:
        image = image.resize(
            size, Image.Resampling.BICUBIC if ratio > 0.7 else Image.Resampling.LANCZOS, reducing_gap=3 if ratio < 0.4 else None
        )
    canvas = np.memmap(cache, np.uint8, "r+", shape=(count, side, side, 3))[index]
    canvas[:] = GREY
    canvas[: size[1], : size[0]] = np.asarray(image)
    return size[1], size[0]
