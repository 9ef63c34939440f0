"""A convolutional network as a function of one flat tensor of weights, and back to ONNX.

    weights   conv 0 (O·I·k·k) | pad | conv 1 | pad | …      each begins at a multiple of 64, so that every view is aligned
    biases    conv 0 (O) | pad | conv 1 | …                  at a multiple of 16; `channel` counts through all of them

The graph stays what it is; only weights and biases of convolutions change, so a tuned network has the names of the original.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

from .graph import ACTIVATIONS, Graph, Node
from .operators import run_node
from .swaps import swapped

WEIGHT_ALIGNMENT, CHANNEL_ALIGNMENT = 64, 16
FEW = 8  # so few cut points tell too little


@dataclass
class Convolution:
    """A convolution of the graph, of dilation 1."""

    name: str
    source: str  # the value it reads
    output: str
    weight: str  # names of constants
    bias: str
    shape: tuple[int, ...]  # (O, I / groups, kh, kw)
    stride: tuple[int, ...]
    pads: tuple[int, ...]  # top, left, bottom, right
    groups: int
    first: int = 0  # place in the flat weights
    channel: int = 0  # place in the flat biases
    activation: str = ""  # the operator that alone reads it, and what that makes
    activated: str = ""
    stem: bool = False  # no convolution before it
    head: bool = False  # none behind it
    pixels: int = 0  # of its output

    @property
    def count(self) -> int:
        return int(np.prod(self.shape))

    @property
    def rows(self) -> int:
        return self.shape[0]

    @property
    def columns(self) -> int:
        return self.count // self.shape[0]

    @property
    def plain(self) -> bool:
        """Had no batch normalisation: heads, and squeeze-and-excitation (one pixel has no statistics)."""
        return self.head or self.pixels <= 1

    @property
    def prunable(self) -> bool:
        """What `filigree prune` prunes unless told otherwise, without layers of one pixel: those cost next to nothing."""
        return not (self.head or self.stem) and self.groups == 1 and self.pixels > 1

    @property
    def pointwise(self) -> bool:
        """What Filigree computes in eight bits: 1×1, stride 1, more than one pixel, not on the network's input."""
        return not self.stem and self.groups == 1 and self.shape[2:] == (1, 1) and self.stride == (1, 1) and self.pixels > 1

    @property
    def weights_place(self) -> slice:
        return slice(self.first, self.first + self.count)

    @property
    def channels_place(self) -> slice:
        return slice(self.channel, self.channel + self.rows)


def padded(c: Convolution, x: torch.Tensor) -> tuple[torch.Tensor, tuple[int, ...]]:
    """What a convolution reads, and the even padding that is still to come: TensorFlow's "same" is uneven."""
    top, left, bottom, right = c.pads
    if (top, left) == (bottom, right):
        return x, (top, left)
    return F.pad(x, (left, right, top, bottom)), (0, 0)


def convolved(c: Convolution, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    x, padding = padded(c, x)
    return F.conv2d(x, weight, bias, c.stride, padding, 1, c.groups)


class Convolve(Protocol):
    """Does a convolution: with bias, or normalised, or whatever it likes. With `fused` set it does the activation as well."""

    def __call__(self, c: Convolution, x: torch.Tensor) -> torch.Tensor: ...


def up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


class Network:
    """@param side: of the square input, where it is not to be the file's own; `swaps`: of activations (swaps.py)"""

    def __init__(self, path: str, side: int | None = None, swaps: dict[str, str] | None = None) -> None:
        model = onnx.load(path)
        self.graph = Graph(swapped(model, swaps) if swaps else model)
        shape = self.graph.input_shape
        self.side = side or shape[2]
        self.convs: dict[str, Convolution] = {}
        self._plans: dict[tuple[str, ...], list[Node]] = {}
        for node in self.graph.nodes:
            if node.op == "Conv":
                self.convs[node.outputs[0]] = self._convolution(node)
        self._ends()
        self._activations()
        self._trace(shape[1] or 3)
        self.weights = self.channels = 0
        for conv in self.convs.values():
            conv.first, conv.channel = self.weights, self.channels
            self.weights += up(conv.count, WEIGHT_ALIGNMENT)
            self.channels += up(conv.rows, CHANNEL_ALIGNMENT)

    def _convolution(self, node: Node) -> Convolution:
        a = node.attributes
        if any(d != 1 for d in a.get("dilations", [1])):
            raise NotImplementedError(f"{node.outputs[0]} (Conv): dilation")
        shape = tuple(int(n) for n in self.graph.constants[node.inputs[1]].shape)
        named = next(n.name for n in self.graph.model.graph.node if node.outputs[0] in n.output)
        return Convolution(
            name=named or node.outputs[0],
            source=node.inputs[0],
            output=node.outputs[0],
            weight=node.inputs[1],
            bias=node.inputs[2] if len(node.inputs) > 2 else "",
            shape=shape,
            stride=tuple(a.get("strides", (1, 1))),
            pads=tuple(a.get("pads", (0, 0, 0, 0))),
            groups=a.get("group", 1),
        )

    def _ends(self) -> None:
        before = {name: self.graph.ancestors(conv.source) & self.convs.keys() for name, conv in self.convs.items()}
        read = set().union(*before.values())
        for name, conv in self.convs.items():
            conv.stem, conv.head = not before[name], name not in read

    def _activations(self) -> None:
        readers = self.graph.readers()
        for conv in self.convs.values():
            after = readers[conv.output]
            if len(after) == 1 and after[0].op in ACTIVATIONS and conv.output not in self.graph.outputs:
                conv.activation, conv.activated = after[0].op, after[0].outputs[0]

    def _trace(self, channels: int) -> None:
        """Shapes (N, C, H, W) of all values, by one run."""
        self.shapes: dict[str, tuple[int, ...]] = {}

        def conv(c: Convolution, x: torch.Tensor) -> torch.Tensor:
            whole = (x.shape[2] + c.pads[0] + c.pads[2], x.shape[3] + c.pads[1] + c.pads[3])
            h, w = ((n - k) // s + 1 for n, k, s in zip(whole, c.shape[2:], c.stride))
            c.pixels = h * w
            return x.new_zeros(x.shape[0], c.rows, h, w)

        # the file's own outputs may be reshaped to its own size: stop before them
        wanted = [leaf.value for leaf in leaves(self.graph)]
        self.run(torch.zeros(1, channels, self.side, self.side), wanted, conv, self.shapes)

    # ---- weights, flat ----

    def flat_weights(self) -> torch.Tensor:
        flat = torch.zeros(self.weights)
        for c in self.convs.values():
            flat[c.weights_place] = torch.from_numpy(self.graph.constants[c.weight].reshape(-1).astype(np.float32))
        return flat

    def flat_biases(self) -> torch.Tensor:
        flat = torch.zeros(self.channels)
        for c in self.convs.values():
            if c.bias:
                flat[c.channels_place] = torch.from_numpy(self.graph.constants[c.bias].reshape(-1).astype(np.float32))
        return flat

    def row_of_weight(self) -> torch.Tensor:
        """(weights) the output channel of each weight, counted through all convolutions."""
        rows = torch.zeros(self.weights, dtype=torch.long)
        for c in self.convs.values():
            rows[c.weights_place] = torch.arange(c.channel, c.channel + c.rows).repeat_interleave(c.columns)
            rows[c.first + c.count : c.first + up(c.count, WEIGHT_ALIGNMENT)] = c.channel
        return rows

    def split_weights(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        """Views (O, I, kh, kw) by output; one `split`, whose gradient is one concatenation."""
        sizes = [n for c in self.convs.values() for n in (c.count, up(c.count, WEIGHT_ALIGNMENT) - c.count)]
        return {c.output: p.view(c.shape) for c, p in zip(self.convs.values(), flat.split(sizes)[::2])}

    def split_channels(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        sizes = [n for c in self.convs.values() for n in (c.rows, up(c.rows, CHANNEL_ALIGNMENT) - c.rows)]
        return dict(zip(self.convs, flat.split(sizes)[::2]))

    def save(self, path: str, weights: torch.Tensor, biases: torch.Tensor) -> None:
        """Writes the graph as it was read, with other weights (flat)."""
        w, b = weights.float().cpu().numpy(), biases.float().cpu().numpy()
        fresh = {}
        for c in self.convs.values():
            fresh[c.weight] = w[c.weights_place].reshape(c.shape)
            if c.bias:
                fresh[c.bias] = b[c.channels_place]
            elif np.any(b[c.channels_place]):
                raise ValueError(f"{c.name}: has no bias to hold what normalisation left")
        model = onnx.ModelProto()
        model.CopyFrom(self.graph.model)
        for tensor in model.graph.initializer:
            if tensor.name in fresh:
                tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(fresh[tensor.name]), tensor.name))
        for node in model.graph.node:
            if node.op_type == "Constant" and node.output[0] in fresh:
                value = numpy_helper.from_array(np.ascontiguousarray(fresh[node.output[0]]))
                node.attribute[0].t.CopyFrom(value)
        onnx.save(model, path)

    # ---- running ----

    def plan(self, wanted: tuple[str, ...]) -> list[Node]:
        """The nodes that some values need, in order."""
        if wanted not in self._plans:
            needed = set().union(*(self.graph.ancestors(name) for name in wanted))
            self._plans[wanted] = [n for n in self.graph.nodes if any(o in needed for o in n.outputs)]
        return self._plans[wanted]

    def run(
        self, images: torch.Tensor, wanted: Sequence[str], conv: Convolve, shapes: dict[str, tuple[int, ...]] | None = None
    ) -> list[torch.Tensor]:
        """Values by name of normalised images (N, C, H, W)."""
        values = {self.graph.input: images}
        fused = getattr(conv, "fused", False)
        for node in self.plan(tuple(wanted)):
            if node.outputs[0] in values:
                continue
            x = [values[i] if i in values else node.fixed.get(k) for k, i in enumerate(node.inputs)]
            if node.op == "Conv":
                c = self.convs[node.outputs[0]]
                values[c.activated if fused and c.activation else c.output] = conv(c, cast(torch.Tensor, x[0]))
            else:
                values.update(zip(node.outputs, run_node(node, x)))
        if shapes is not None:
            shapes.update({k: tuple(v.shape) for k, v in values.items()})
        return [values[name] for name in wanted]

    def biased(self, weights: torch.Tensor, biases: torch.Tensor) -> Convolve:
        """The convolutions of flat weights and biases, in the type of the weights."""
        w, b = self.split_weights(weights), self.split_channels(biases)

        def conv(c: Convolution, x: torch.Tensor) -> torch.Tensor:
            return convolved(c, x, w[c.output], b[c.output])

        return conv


@dataclass
class Leaf:
    """A value that outputs are made of by nothing but reshaping, joining and a sigmoid: what a head's convolution says."""

    value: str
    output: str
    sigmoid: bool


def leaves(graph: Graph) -> list[Leaf]:
    """In the order in which the outputs join them."""
    found: list[Leaf] = []

    def walk(value: str, output: str, sigmoid: bool) -> None:
        node = graph.producers.get(value)
        if node and node.op in ("Reshape", "Transpose", "Squeeze", "Flatten", "Identity", "Softmax"):
            walk(node.inputs[0], output, sigmoid)
        elif node and node.op == "Sigmoid":
            walk(node.inputs[0], output, True)
        elif node and node.op == "Concat":
            for name in node.inputs:
                walk(name, output, sigmoid)
        else:
            found.append(Leaf(value, output, sigmoid))

    for output in graph.outputs:
        walk(output, output, False)
    return found


def cut_points(network: Network) -> list[str]:
    """Values that several nodes read, and those that heads read: where a student is compared with its teacher inside.
    What a join of them holds as well is left out."""
    readers = network.graph.readers()
    ends = {c.source for c in network.convs.values() if c.head}
    stem = next(c.output for c in network.convs.values() if c.stem)
    made = [o for n in network.graph.nodes if n.op not in ("Conv", "Split") for o in n.outputs]
    inside = [v for v in made if len(network.shapes.get(v, ())) == 4 and network.shapes[v][2] > 1]
    cuts = [v for v in inside if (len(readers[v]) > 1 or v in ends) and stem in network.graph.ancestors(v)]
    if len(cuts) < FEW:  # a chain: what its pointwise layers make
        cuts = [c.activated or c.output for c in network.convs.values() if c.groups == 1 and c.pixels > 1]
    return [v for v in cuts if not any(n.op == "Concat" and n.outputs[0] in cuts for n in readers[v])]
