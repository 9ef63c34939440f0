"""What a network's outputs mean: told from the graph, compared between student and teacher, decoded to boxes."""

from __future__ import annotations

from ..network import Network, leaves
from .base import Head
from .gfl import GflHead
from .logits import LogitsHead
from .yolox import YoloxHead

__all__ = ["GflHead", "Head", "LogitsHead", "YoloxHead", "recognise"]


def recognise(network: Network) -> Head:
    """The head of a network. @raises ValueError saying what was found"""
    found = leaves(network.graph)
    for kind in (YoloxHead, GflHead, LogitsHead):
        head = kind.recognise(network, found)
        if head is not None:
            return head
    seen = ", ".join(f"{leaf.value} {network.shapes.get(leaf.value)}" for leaf in found)
    raise ValueError(f"no head that is known here: wanted YOLOX, GFL (PicoDet, NanoDet) or logits, found {seen}")
