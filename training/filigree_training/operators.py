"""ONNX operators in PyTorch, as far as the networks that are trained here need them. Batches are of any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from .graph import Node

Inputs = list[Any]
Attributes = dict[str, Any]
Operator = Callable[[Inputs, Attributes], Any]


def run_node(node: Node, x: Inputs) -> list[torch.Tensor]:
    """The outputs of one node. @raises NotImplementedError naming the operator."""
    if node.op not in OPERATORS:
        raise NotImplementedError(f"{node.op} ({node.outputs[0]}): there is no such operator here")
    y = OPERATORS[node.op](x, node.attributes)
    return list(y) if isinstance(y, (list, tuple)) else [y]


def _binary(f: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Operator:
    def run(x: Inputs, _: Attributes) -> torch.Tensor:
        like = next(v for v in x if torch.is_tensor(v) and v.is_floating_point())
        p, q = (torch.as_tensor(v).to(like.device, like.dtype) if not torch.is_tensor(v) else v.to(like.device, like.dtype) for v in x)
        return f(p, q)

    return run


def _clip(x: Inputs, a: Attributes) -> torch.Tensor:
    low, high = (x[1], x[2]) if len(x) > 2 else (a.get("min"), a.get("max"))
    return x[0].clamp(None if low is None else float(low), None if high is None else float(high))


def _slice(x: Inputs, _: Attributes) -> torch.Tensor:
    starts, ends, axes = x[1:4]
    steps = x[4] if len(x) > 4 else [1] * len(starts)
    index = [slice(None)] * x[0].dim()
    for start, end, axis, step in zip(starts, ends, axes, steps):
        index[axis] = slice(start, min(end, x[0].shape[axis]), step)
    return x[0][tuple(index)]


def _split(x: Inputs, a: Attributes) -> tuple[torch.Tensor, ...]:
    return torch.split(x[0], list(a["split"]) if "split" in a else x[1], a.get("axis", 0))


def _resize(x: Inputs, a: Attributes) -> torch.Tensor:
    scales = x[1] if len(x) == 2 else x[2]
    size = [round(s * f) for s, f in zip(x[0].shape[2:], scales[2:])] if scales else x[3][2:]
    if a.get("mode", b"nearest") == b"nearest":
        return F.interpolate(x[0], size, mode="nearest")
    return F.interpolate(x[0], size, mode="bilinear", align_corners=a.get("coordinate_transformation_mode") == b"align_corners")


def _shuffle(x: Inputs, a: Attributes) -> torch.Tensor:
    rows = x[0].permute(0, 2, 3, 1)  # no copy where channels are last
    return rows.unflatten(3, (a["groups"], -1)).transpose(3, 4).flatten(3).permute(0, 3, 1, 2)


def _reshape(x: Inputs, _: Attributes) -> torch.Tensor:
    # the batch is the first extent and stays
    return x[0].reshape([x[0].shape[0], *x[1][1:]])


OPERATORS: dict[str, Operator] = {
    "Silu": lambda x, _: F.silu(x[0]),
    "HardSwish": lambda x, _: F.hardswish(x[0]),
    "Relu6": lambda x, _: F.relu6(x[0]),
    "Relu": lambda x, _: F.relu(x[0]),
    "LeakyRelu": lambda x, a: F.leaky_relu(x[0], a.get("alpha", 0.01)),
    "Sigmoid": lambda x, _: torch.sigmoid(x[0]),
    "HardSigmoid": lambda x, a: (x[0] * a.get("alpha", 0.2) + a.get("beta", 0.5)).clamp(0, 1),
    "Clip": _clip,
    "Mul": _binary(torch.mul),
    "Add": _binary(torch.add),
    "Div": _binary(torch.div),
    "Sub": _binary(torch.sub),
    "Concat": lambda x, a: torch.cat(x, a["axis"]),
    "Slice": _slice,
    "Split": _split,
    "Identity": lambda x, _: x[0],
    "Flatten": lambda x, a: x[0].flatten(a.get("axis", 1)),
    "Squeeze": lambda x, a: x[0].squeeze(tuple(x[1] if len(x) > 1 else a["axes"])),
    "MaxPool": lambda x, a: F.max_pool2d(x[0], a["kernel_shape"], a["strides"], a.get("pads", [0, 0])[:2]),
    "AveragePool": lambda x, a: F.avg_pool2d(
        x[0], a["kernel_shape"], a["strides"], a.get("pads", [0, 0])[:2], count_include_pad=bool(a.get("count_include_pad", 0))
    ),
    "GlobalAveragePool": lambda x, _: x[0].mean((2, 3), keepdim=True),
    "ReduceMean": lambda x, a: x[0].mean(tuple(a["axes"]), keepdim=bool(a.get("keepdims", 1))),
    "Resize": _resize,
    "Upsample": _resize,
    "ChannelShuffle": _shuffle,
    "Reshape": _reshape,
    "Transpose": lambda x, a: x[0].permute(a["perm"]),
    "Softmax": lambda x, a: x[0].softmax(a.get("axis", -1)),
}
