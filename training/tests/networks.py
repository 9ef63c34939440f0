"""Small networks as ONNX files, with what real ones have: uneven padding, squeeze and excitation, shuffles, splits, every head."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from filigree_training.arrays import Array

SIDE = 32
CLASSES, BINS = 3, 8


class Builder:
    """Nodes one after the other; every method gives the name of what it makes."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.count = 0

    def add(self, op: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> list[str]:
        self.count += 1
        names = [f"{op}_{self.count}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=f"{op}_{self.count}", **attributes))
        return names

    def constant(self, values: Array) -> str:
        self.count += 1
        self.constants.append(numpy_helper.from_array(values, f"c{self.count}"))
        return f"c{self.count}"

    def conv(self, x: str, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, pads: tuple[int, ...] = ()) -> str:
        fan = inputs // groups * kernel**2
        weight = self.constant(self.random.normal(0, fan**-0.5, (outputs, inputs // groups, kernel, kernel)).astype(np.float32))
        bias = self.constant(self.random.normal(0, 0.3, outputs).astype(np.float32))
        pads = pads or (kernel // 2,) * 4
        return self.add("Conv", [x, weight, bias], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads, group=groups)[0]

    def relu6(self, x: str) -> str:
        return self.add("Clip", [x, self.constant(np.array(0, np.float32)), self.constant(np.array(6, np.float32))])[0]

    def hard_swish(self, x: str) -> str:
        three, six = (self.constant(np.array([v], np.float32)) for v in (3, 6))
        zero, most = (self.constant(np.array(v, np.float32)) for v in (0, 6))
        gate = self.add("Clip", [self.add("Add", [x, three])[0], zero, most])[0]
        return self.add("Div", [self.add("Mul", [x, gate])[0], six])[0]

    def silu(self, x: str) -> str:
        return self.add("Mul", [x, self.add("Sigmoid", [x])[0]])[0]

    def body(self, x: str) -> tuple[str, str]:
        """16 channels at SIDE / 8 and 16 at SIDE / 16."""
        x = self.relu6(self.conv(x, 3, 8, 3, 2, pads=(0, 0, 1, 1)))  # TensorFlow's "same"
        x = self.hard_swish(self.conv(x, 8, 16))
        x = self.relu6(self.conv(x, 16, 16, 3, 2, groups=16))
        squeezed = self.add("GlobalAveragePool", [x])[0]
        gate = self.add("HardSigmoid", [self.conv(self.add("Relu", [self.conv(squeezed, 16, 4)])[0], 4, 16)], alpha=1 / 6)[0]
        x = self.silu(self.conv(self.add("Mul", [x, gate])[0], 16, 16))
        left, right = self.add("Split", [x, self.constant(np.array([8, 8]))], 2, axis=1)
        x = self.add("Concat", [left, self.hard_swish(self.conv(right, 8, 8))], axis=1)[0]
        x = self.shuffle(x, 16, 2, SIDE // 4)
        fine = self.hard_swish(self.conv(x, 16, 16, 3, 2))
        coarse = self.hard_swish(self.conv(self.add("MaxPool", [fine], kernel_shape=[2, 2], strides=[2, 2])[0], 16, 16))
        return fine, coarse

    def shuffle(self, x: str, channels: int, groups: int, side: int) -> str:
        split = self.constant(np.array([1, groups, channels // groups, side, side]))
        turned = self.add("Transpose", [self.add("Reshape", [x, split])[0]], perm=[0, 2, 1, 3, 4])[0]
        return self.add("Reshape", [turned, self.constant(np.array([1, channels, side, side]))])[0]

    def rows(self, x: str, channels: int) -> str:
        flat = self.add("Reshape", [x, self.constant(np.array([1, channels, -1]))])[0]
        return self.add("Transpose", [flat], perm=[0, 2, 1])[0]

    def save(self, path: Path, outputs: list[str], rank: int = 3) -> str:
        ends = [helper.make_tensor_value_info(o, TensorProto.FLOAT, [None] * rank) for o in outputs]
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
        graph = helper.make_graph(self.nodes, "small", [image], ends, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, str(path))
        return str(path)


def gfl(path: Path) -> str:
    b = Builder()
    scores, bins = [], []
    for x in b.body("image"):
        both = b.add("Split", [b.conv(x, 16, CLASSES + 4 * BINS), b.constant(np.array([CLASSES, 4 * BINS]))], 2, axis=1)
        scores.append(b.rows(b.add("Sigmoid", [both[0]])[0], CLASSES))
        bins.append(b.rows(both[1], 4 * BINS))
    return b.save(path, scores + bins)


def yolox(path: Path) -> str:
    b = Builder(1)
    levels = []
    for x in b.body("image"):
        box, seen, kind = b.conv(x, 16, 4), b.add("Sigmoid", [b.conv(x, 16, 1)])[0], b.add("Sigmoid", [b.conv(x, 16, CLASSES)])[0]
        levels.append(b.rows(b.add("Concat", [box, seen, kind], axis=1)[0], 5 + CLASSES))
    return b.save(path, b.add("Concat", levels, axis=1))


def classifier(path: Path) -> str:
    b = Builder(2)
    x = b.add("GlobalAveragePool", [b.body("image")[1]])[0]
    return b.save(path, b.add("Softmax", b.add("Flatten", [b.conv(x, 16, 10)]), axis=1), rank=2)


NETWORKS = {"gfl": gfl, "yolox": yolox, "classifier": classifier}
