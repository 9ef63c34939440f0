"""What blocks of zeros save in time: from two profiles, `filigree profile NETWORK --json`, of the dense network and of one with zeros of
the same pattern, on the device that matters.

A layer's time is taken to fall in proportion to its zeros. Layers that the second profile does not show to be faster stay dense, such
as those whose sparse kernels lose to dense ones.
"""

from __future__ import annotations

import json
from pathlib import Path

from .network import Convolution


def saved(dense: str, sparse: str) -> dict[str, float]:
    """Milliseconds that a layer would save without any weights, by name. @raises ValueError where the files are no profiles"""
    before, after = _layers(dense), _layers(sparse)
    found = {}
    for name, (ms, zeros) in after.items():
        gain = before[name][0] - ms if name in before else 0.0
        if zeros > 0 and gain > 0:
            found[name] = gain / zeros
    return found


def _layers(path: str) -> dict[str, tuple[float, float]]:
    """(milliseconds, share of zeros) by name."""
    try:
        layers = json.loads(Path(path).read_text())["layers"]
        return {layer["name"]: (float(layer["ms"]), float(layer.get("sparsity") or 0)) for layer in layers}
    except (KeyError, TypeError, json.JSONDecodeError):
        raise ValueError(f"{path}: wanted what `filigree profile NETWORK --json` prints") from None


def costs(layers: list[Convolution], ms: dict[str, float]) -> list[tuple[Convolution, float]]:
    """The layers that save time, with milliseconds of all their weights. @raises ValueError where there is none"""
    found = [(c, ms[c.name]) for c in layers if c.name in ms]
    if not found:
        raise ValueError("no layer is faster with zeros, by the profiles in [sparsity] times")
    return found
