"""Activations in place of others: the rule of recipes with [activations]."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from filigree_training.graph import Graph
from filigree_training.network import Network
from filigree_training.recipe import read_recipe, recipe_of
from filigree_training.student import Student
from filigree_training.swaps import swapped
from filigree_training.train import Job, Training

from .conftest import teacher_of
from .networks import Builder

RECIPE = Path(__file__).parents[1] / "recipes" / "yolox-hard-swish-u50.toml"


def operators(model: onnx.ModelProto) -> list[str]:
    return [n.op for n in Graph(model).nodes]


@pytest.mark.parametrize("new", ["HardSwish", "Relu"])
def test_one_for_the_other(onnx_file: str, new: str) -> None:
    model = onnx.load(onnx_file)
    other = swapped(model, {"Silu": new})
    onnx.checker.check_model(other)
    before, after = operators(model), operators(other)
    assert before.count("Silu") > 0
    assert after == [new if op == "Silu" else op for op in before]
    assert [o.name for o in other.graph.output] == [o.name for o in model.graph.output]
    # what is swapped is exported as it is trained
    network = Network(onnx_file, swaps={"Silu": new})
    images = torch.randn(1, 3, network.side, network.side)
    outputs = network.graph.outputs
    mine = network.run(images, outputs, network.biased(network.flat_weights(), network.flat_biases()))
    theirs = ReferenceEvaluator(other).run(outputs, {network.graph.input: images.numpy()})
    for a, b in zip(mine, theirs):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-4, atol=1e-4)


def test_all_of_a_chain_goes(tmp_path: Path) -> None:
    b = Builder()
    path = b.save(tmp_path / "chain.onnx", [b.hard_swish(b.conv("image", 3, 4))], rank=4)
    assert [n.op_type for n in swapped(onnx.load(path), {"HardSwish": "Relu"}).graph.node] == ["Conv", "Relu"]
    assert [n.op_type for n in swapped(onnx.load(path), {}).graph.node] == ["Conv", "Add", "Clip", "Mul", "Div"]


def test_a_student_has_its_own(detector: str) -> None:
    teacher, batches = teacher_of(detector)
    recipe = read_recipe(RECIPE)
    network = Network(detector, swaps=recipe.activations)
    student = Student(recipe, teacher, torch.float32, batches, (teacher.weights.clone(), teacher.biases.clone()), network)
    weights, biases = student.folded()
    wanted = teacher.head.wanted
    mine = network.run(batches[0], wanted, network.biased(weights, biases))
    swapped_only = network.run(batches[0], wanted, network.biased(teacher.weights, teacher.biases))
    dense, _ = teacher(batches[0])
    for a, b, c in zip(mine, swapped_only, dense):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
        assert float((a - c).abs().max()) > 1e-3, "it is not the dense network"
    losses = []
    for k in range(60):
        student.prepare(0.1 + k / 100)
        student.step(batches[0], *teacher(batches[0]))
        losses.append(student.losses()["features"])
    assert losses[-1] < 0.7 * losses[0], "and learns to be like it"


def test_a_run_writes_what_it_trained(detector: str, photographs: str, tmp_path: Path) -> None:
    recipe = read_recipe(RECIPE)
    recipe.batch = 4
    recipe.sparsity.share = recipe.sparsity.first = 0.0
    job = Job(detector, [photographs], str(tmp_path / "out"), [recipe], minutes=0.02, cache=str(tmp_path / "cache"))
    Training(job).go()
    ops = operators(onnx.load(str(tmp_path / "out" / f"{recipe.name}.onnx")))
    assert "Silu" not in ops
    assert ops.count("HardSwish") == operators(onnx.load(detector)).count("HardSwish") + operators(onnx.load(detector)).count("Silu")


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[activations\]: wanted one of Silu"):
        recipe_of({"activations": {"Gelu": "Relu"}}, "here")
    with pytest.raises(ValueError, match="for it one of HardSwish, Relu"):
        recipe_of({"activations": {"Silu": "Tanh"}}, "here")
