"""Activations put in place of others before training, such as hard-swish for SiLU, which needs no exponential (Howard et al. 2019,
arXiv 1905.02244). Weights, names of values and shapes stay; distillation makes up for what changes."""

from __future__ import annotations

from collections.abc import Callable

import onnx
from onnx import helper

from .graph import ACTIVATIONS, Graph


def _hard_swish(x: str, y: str) -> list[onnx.NodeProto]:
    gate = f"{y}_gate"
    return [helper.make_node("HardSigmoid", [x], [gate], gate, alpha=1 / 6, beta=0.5), helper.make_node("Mul", [x, gate], [y], y)]


def _relu(x: str, y: str) -> list[onnx.NodeProto]:
    return [helper.make_node("Relu", [x], [y], y)]


MADE: dict[str, Callable[[str, str], list[onnx.NodeProto]]] = {"HardSwish": _hard_swish, "Relu": _relu}


def check(swaps: dict[str, str], where: str) -> None:
    """@raises ValueError naming what may be swapped, and for what"""
    for old, new in swaps.items():
        if old not in ACTIVATIONS or new not in MADE:
            raise ValueError(f"{where}: wanted one of {', '.join(ACTIVATIONS)} and for it one of {', '.join(MADE)}, not {old} = {new!r}")


def swapped(model: onnx.ModelProto, swaps: dict[str, str]) -> onnx.ModelProto:
    """@param swaps: what takes the place of each activation, by names of graph.ACTIVATIONS"""
    fresh = {n.outputs[0]: MADE[swaps[n.op]](n.inputs[0], n.outputs[0]) for n in Graph(model).nodes if n.op in swaps}
    result = onnx.ModelProto()
    result.CopyFrom(model)
    nodes = [new for old in model.graph.node for new in fresh.get(old.output[0], [old])]
    del result.graph.node[:]
    result.graph.node.extend(_read(nodes, [o.name for o in model.graph.output]))
    return result


def _read(nodes: list[onnx.NodeProto], outputs: list[str]) -> list[onnx.NodeProto]:
    """The nodes that outputs need: the rest of a chain whose end was swapped has no reader."""
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if needed & set(node.output):
            needed.update(node.input)
            kept.append(node)
    return kept[::-1]
