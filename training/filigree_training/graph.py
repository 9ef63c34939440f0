"""An ONNX file as a list of nodes that PyTorch runs (operators.py), with activations and channel shuffles as one node each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from .arrays import Array

ACTIVATIONS = ("Silu", "HardSwish", "Relu", "Relu6")


@dataclass
class Node:
    """One operation; `fixed` holds its constant inputs by place, as Python numbers or, of more than 16, as a tensor."""

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)
    fixed: dict[int, Any] = field(default_factory=dict)


Fused = tuple[list[Node], Node | None]  # a chain, and what does its work: none where there is no such chain
Only = Callable[[Node | None], Node | None]
Fuse = Callable[[Node, Only], Fused]


class Graph:
    """Nodes in order, constants and names of input and outputs. `model` stays as it was read."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type == "Constant":
                self.constants[node.output[0]] = numpy_helper.to_array(_attributes(node)["value"])
        inputs = [i for i in model.graph.input if i.name not in self.constants]
        if len(inputs) != 1:
            raise ValueError(f"wanted a network with one input, found {[i.name for i in inputs]}")
        self.input = inputs[0].name
        self.input_shape = [d.dim_value for d in inputs[0].type.tensor_type.shape.dim]
        self.outputs = [o.name for o in model.graph.output]
        self.nodes = [self._node(n) for n in model.graph.node if n.op_type != "Constant"]
        for fuse in (_silu, _hard_swish, _relu6, _shuffle):
            self._replace(fuse)
        self.producers = {o: n for n in self.nodes for o in n.outputs}

    def _node(self, node: onnx.NodeProto) -> Node:
        fixed = {i: _plain(self.constants[name]) for i, name in enumerate(node.input) if name in self.constants}
        return Node(node.op_type, list(node.input), list(node.output), _attributes(node), fixed)

    def readers(self) -> dict[str, list[Node]]:
        """The nodes that read each value."""
        found: dict[str, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                found[name].append(node)
        return found

    def _replace(self, fuse: Fuse) -> None:
        """Puts one node in place of each chain that `fuse(node, only)` finds; `only(node)` is the one reader of its output."""
        readers = self.readers()

        def only(node: Node | None) -> Node | None:
            if node is None or len(node.outputs) != 1 or node.outputs[0] in self.outputs:
                return None
            after = readers[node.outputs[0]]
            return after[0] if len(after) == 1 else None

        gone: set[int] = set()
        for node in list(self.nodes):
            if id(node) in gone:
                continue
            chain, fused = fuse(node, only)
            if fused is None:
                continue
            gone.update(id(n) for n in chain)
            self.nodes[next(i for i, n in enumerate(self.nodes) if n is chain[-1])] = fused
        self.nodes = [n for n in self.nodes if id(n) not in gone]

    def ancestors(self, name: str) -> set[str]:
        """Names of all values that a value is computed from, itself included."""
        seen: set[str] = set()
        stack = [name]
        while stack:
            value = stack.pop()
            if value in seen:
                continue
            seen.add(value)
            if value in self.producers:
                stack += [i for i in self.producers[value].inputs if i and i not in self.constants]
        return seen


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _plain(array: Array) -> Any:
    return torch.from_numpy(np.array(array)) if array.size > 16 else array.tolist()


def _number(node: Node, place: int) -> float | None:
    value = node.fixed.get(place)
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return float(value) if isinstance(value, (int, float)) else None


def _silu(node: Node, only: Only) -> Fused:
    """x · sigmoid(x)."""
    mul = only(node) if node.op == "Sigmoid" else None
    if mul is None or mul.op != "Mul" or node.inputs[0] not in mul.inputs:
        return [], None
    return [node, mul], Node("Silu", [node.inputs[0]], mul.outputs)


def _hard_swish(node: Node, only: Only) -> Fused:
    """x · clip(x + 3, 0, 6) / 6, as Paddle and PyTorch export it, or x · HardSigmoid(x)."""
    if node.op == "HardSigmoid":
        if abs(node.attributes.get("alpha", 0.2) - 1 / 6) > 1e-3:
            return [], None
        mul = only(node)
        if mul is None or mul.op != "Mul" or node.inputs[0] not in mul.inputs:
            return [], None
        return [node, mul], Node("HardSwish", [node.inputs[0]], mul.outputs)
    if node.op != "Add" or 3.0 not in (_number(node, 0), _number(node, 1)):
        return [], None
    x = next((i for k, i in enumerate(node.inputs) if k not in node.fixed), "")
    clip = only(node)
    if clip is None or clip.op != "Clip" or (_bound(clip, 1, "min"), _bound(clip, 2, "max")) != (0.0, 6.0):
        return [], None
    mul = only(clip)
    div = only(mul)
    if mul is None or div is None or mul.op != "Mul" or x not in mul.inputs or div.op != "Div" or _number(div, 1) != 6.0:
        return [], None
    return [node, clip, mul, div], Node("HardSwish", [x], div.outputs)


def _relu6(node: Node, _: Only) -> Fused:
    if node.op != "Clip" or (_bound(node, 1, "min"), _bound(node, 2, "max")) != (0.0, 6.0):
        return [], None
    return [node], Node("Relu6", [node.inputs[0]], node.outputs)


def _bound(clip: Node, place: int, name: str) -> float | None:
    return clip.attributes[name] if name in clip.attributes else _number(clip, place)


def _shuffle(node: Node, only: Only) -> Fused:
    """(N, g·c, H, W) → (N, g, c, H, W) → (N, c, g, H, W) → (N, c·g, H, W): ShuffleNet's channel shuffle, of any size."""
    transpose = only(node) if node.op == "Reshape" else None
    back = only(transpose)
    if transpose is None or back is None or transpose.op != "Transpose" or back.op != "Reshape":
        return [], None
    shape = node.fixed.get(1)
    if not isinstance(shape, list) or len(shape) != 5 or list(transpose.attributes["perm"]) != [0, 2, 1, 3, 4]:
        return [], None
    return [node, transpose, back], Node("ChannelShuffle", [node.inputs[0]], back.outputs, {"groups": int(shape[1])})
