"""Networks read from ONNX compute what onnxruntime does, and what is written back does too."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from filigree_training.arrays import Array
from filigree_training.graph import Node
from filigree_training.network import Network
from filigree_training.operators import run_node
from filigree_training.recipe import Recipe
from filigree_training.student import Student

from .conftest import teacher_of


def by_onnxruntime(path: str, images: torch.Tensor) -> list[Array]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    each = [session.run(None, {"image": image[None].numpy()}) for image in images]
    return [np.concatenate(parts) for parts in zip(*each)]


def difference(mine: list[torch.Tensor], theirs: list[Array]) -> float:
    """Over the greatest of theirs."""
    pairs = list(zip(mine, theirs))
    assert len(mine) == len(theirs) > 0
    assert all(a.shape == b.shape for a, b in pairs)
    return max(float(np.abs(a.detach().numpy() - b).max() / np.abs(b).max()) for a, b in pairs)


def test_runs_as_onnxruntime(onnx_file: str) -> None:
    network = Network(onnx_file)
    images = torch.randn(3, 3, network.side, network.side)
    values = network.run(images, network.graph.outputs, network.biased(network.flat_weights(), network.flat_biases()))
    assert difference(values, by_onnxruntime(onnx_file, images)) < 1e-5


def test_saved_as_read(onnx_file: str, tmp_path: Path) -> None:
    network = Network(onnx_file)
    network.save(str(tmp_path / "again.onnx"), network.flat_weights(), network.flat_biases())
    images = torch.randn(2, 3, network.side, network.side)
    again, once = by_onnxruntime(str(tmp_path / "again.onnx"), images), by_onnxruntime(onnx_file, images)
    assert all(np.array_equal(a, b) for a, b in zip(again, once))


@pytest.mark.parametrize("mode", ["frozen", "running"])
def test_folded_computes_what_the_student_does(mode: str, onnx_file: str, tmp_path: Path) -> None:
    teacher, batches = teacher_of(onnx_file)
    recipe = Recipe()
    recipe.normalisation.mode = mode
    recipe.optimiser.average = 0.0  # what is folded is the last step
    student = Student(recipe, teacher, torch.float32, batches, (teacher.weights * 0.9, teacher.biases))
    for _ in range(3):
        student.prepare(0.1)
        student.step(batches[0], *teacher(batches[0]))
    student.prepare(1.0)  # statistics stay
    mine = teacher.network.run(batches[1], teacher.network.graph.outputs, student.convolution(student.theta * student.mask, torch.float32))
    weights, biases = student.folded()
    teacher.network.save(str(tmp_path / "folded.onnx"), weights, biases)
    assert not torch.equal(weights, teacher.weights)
    assert difference(mine, by_onnxruntime(str(tmp_path / "folded.onnx"), batches[1])) < 1e-5


def test_a_student_begins_as_its_teacher(onnx_file: str) -> None:
    teacher, batches = teacher_of(onnx_file)
    for mode in ("frozen", "running"):
        recipe = Recipe()
        recipe.normalisation.mode = mode
        student = Student(recipe, teacher, torch.float32, batches, (teacher.weights, teacher.biases))
        _, parts = student.descend(batches[0], *teacher(batches[0]))
        assert float(parts.abs().max()) < 1e-4


def test_fused(detector: str) -> None:
    network = Network(detector)
    found = {node.op for node in network.graph.nodes}
    assert {"Relu6", "HardSwish", "Silu", "ChannelShuffle", "Split"} <= found
    assert not {"Clip", "Div", "Add"} & found


def test_stem_heads_and_what_may_be_pruned(detector: str) -> None:
    network = Network(detector)
    convs = list(network.convs.values())
    assert [c.stem for c in convs].count(True) == 1
    assert [c.shape[0] for c in convs if c.head] == [35, 35]
    assert all(not c.prunable for c in convs if c.stem or c.head or c.groups > 1 or c.pixels == 1)
    assert sum(c.prunable for c in convs) == 5


def test_unknown_operators_are_named() -> None:
    with pytest.raises(NotImplementedError, match=r"Einsum \(y\)"):
        run_node(Node("Einsum", ["x"], ["y"]), [torch.zeros(1)])
