"""Shares by milliseconds: zeros go where they save time, for the least loss."""

import json
from pathlib import Path

import pytest
import torch

from filigree_training.network import Convolution, Network
from filigree_training.patterns import follows, pattern_named
from filigree_training.prune import prune
from filigree_training.recipe import Recipe, read_recipe, recipe_of
from filigree_training.student import Student
from filigree_training.times import costs, saved

from .conftest import teacher_of

PATTERN = pattern_named("1x4")
RECIPE = read_recipe(Path(__file__).parents[1] / "recipes" / "picodet-time-x4-50.toml")


def profile(path: Path, layers: dict[str, tuple[float, float]]) -> str:
    """As `filigree profile --json` prints it. `layers`: milliseconds and the share of zeros by name."""
    path.write_text(json.dumps({"layers": [{"name": name, "ms": ms, "sparsity": zeros} for name, (ms, zeros) in layers.items()]}))
    return str(path)


def timed(tmp_path: Path, after: dict[str, tuple[float, float]]) -> tuple[str, str]:
    """Two profiles: every layer takes 2 ms while it is dense."""
    return profile(tmp_path / "dense.json", dict.fromkeys(after, (2.0, 0.0))), profile(tmp_path / "sparse.json", after)


def fitting(network: Network) -> list[Convolution]:
    return [c for c in network.convs.values() if c.prunable and PATTERN.fits(c)]


def pruned(detector: str, tmp_path: Path, after: dict[str, tuple[float, float]], share: float) -> tuple[Student, torch.Tensor]:
    teacher, batches = teacher_of(detector)
    recipe = Recipe()
    recipe.sparsity.pattern, recipe.sparsity.distribution = "1x4", "time"
    recipe.sparsity.times = timed(tmp_path, after)
    student = Student(recipe, teacher, torch.float32, batches, (teacher.weights.clone(), teacher.biases.clone()))
    prune(student, share, batches, batches)
    return student, student.flat_mask()


def test_milliseconds_of_a_layer(tmp_path: Path) -> None:
    times = timed(tmp_path, {"a": (1.5, 0.5), "slower": (2.5, 0.5), "dense": (1.0, 0.0), "b": (0.5, 0.75)})
    assert saved(*times) == {"a": 1.0, "b": 2.0}, "none of what is slower, or has no zeros"


def test_zeros_are_where_they_save_time(detector: str, tmp_path: Path) -> None:
    layers = fitting(Network(detector))
    fast, slow = layers[::2], layers[1::2]
    assert len(fast) >= 2
    assert slow
    after = {c.name: (1.5, 0.5) for c in fast} | {c.name: (2.5, 0.5) for c in slow}
    student, mask = pruned(detector, tmp_path, after, 0.4)
    assert follows(mask, student.network, PATTERN)
    zeros = {c.name: 1 - float(mask[c.weights_place].mean()) for c in layers}
    assert all(zeros[c.name] == 0 for c in slow), "layers that are not faster stay dense"
    # each of these saves 1 ms without any weights: the share is the mean, but for less than a block
    block = max(PATTERN.columns / c.count for c in fast)
    assert sum(zeros[c.name] for c in fast) / len(fast) == pytest.approx(0.4, abs=block)


def test_time_moves_zeros(detector: str, tmp_path: Path) -> None:
    layers = fitting(Network(detector))
    found = []
    for dear in layers[:2]:
        after = {c.name: (1.5 if c is dear else 1.999, 0.5) for c in layers}
        _, mask = pruned(detector, tmp_path, after, 0.3)
        found.append([float((mask[c.weights_place] == 0).sum()) for c in layers[:2]])
    assert found[0][0] > found[1][0]
    assert found[0][1] < found[1][1]


def test_what_is_refused(tmp_path: Path, detector: str) -> None:
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(ValueError, match=r"other\.json.*filigree profile"):
        saved(str(tmp_path / "other.json"), str(tmp_path / "other.json"))
    with pytest.raises(ValueError, match="no layer is faster"):
        costs(fitting(Network(detector)), {})
    with pytest.raises(ValueError, match="two profiles"):
        recipe_of({"sparsity": {"distribution": "time"}}, "here")
    with pytest.raises(ValueError, match="macs, both, uniform, time"):
        recipe_of({"sparsity": {"distribution": "ms"}}, "here")


def test_the_recipe_shares_by_time() -> None:
    assert RECIPE.sparsity.distribution == "time"
    assert len(RECIPE.sparsity.times) == 2
