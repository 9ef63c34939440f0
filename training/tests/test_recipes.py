"""Every recipe in recipes/ trains a small network and keeps its rule; runs end with what a next one goes on from."""

import json
from pathlib import Path

import pytest
import torch

from filigree_training.__main__ import main
from filigree_training.masks import read_masks
from filigree_training.network import Network
from filigree_training.patterns import follows, macs_removed, pattern_named, sparsity
from filigree_training.photos import held_out, load
from filigree_training.prune import prune
from filigree_training.recipe import Recipe, read_recipe, recipe_of
from filigree_training.schedule import prunings
from filigree_training.student import Student

from .conftest import teacher_of

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_masks_keep_the_rule(path: Path, detector: str) -> None:
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    assert recipe.paper
    teacher, batches = teacher_of(detector)
    student = Student(recipe, teacher, torch.float32, batches, (teacher.weights.clone(), teacher.biases.clone()))
    s, pattern = recipe.sparsity, pattern_named(recipe.sparsity.pattern)
    before = student.flat_mask().clone()
    for _, share in prunings(s.first, s.share, s.until, max(2, s.prunings)):
        prune(student, share, batches, batches)
        mask = student.flat_mask()
        assert follows(mask, teacher.network, pattern)
        assert bool((mask <= before).all())  # zeros stay
        fits = [c for c in teacher.network.convs.values() if c.prunable and pattern.fits(c)]
        costs = [float(c.count * (c.pixels if s.distribution == "macs" else 1)) for c in fits]
        gone = [cost * (1 - float(mask[c.weights_place].mean())) for c, cost in zip(fits, costs)]
        largest = max(c / (c_.count / (pattern.rows * pattern.columns)) for c, c_ in zip(costs, fits))
        assert sum(gone) / sum(costs) == pytest.approx(share, abs=largest * len(fits) / sum(costs))
        student.prepare(0.5)
        student.step(batches[0], *teacher(batches[0]))
        assert bool((student.folded()[0][mask == 0] == 0).all())
        before = mask.clone()


def test_unknown_keys_are_named() -> None:
    with pytest.raises(ValueError, match=r"'sharee'.*share"):
        recipe_of({"sparsity": {"sharee": 0.5}}, "here")
    with pytest.raises(ValueError, match="first <= share"):
        recipe_of({"sparsity": {"share": 0.5, "first": 0.6}}, "here")


def finetune(teacher: str, photographs: str, tmp_path: Path, recipe: str, *more: str) -> list[dict[str, float]]:
    (tmp_path / "small.toml").write_text(recipe)
    options = ["--teacher", teacher, "--photos", photographs, "--recipe", str(tmp_path / "small.toml"), "--out", str(tmp_path / "out")]
    main(["finetune", *options, "--cache", str(tmp_path / "cache"), "--minutes", "0.05", *more])
    return [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]


SMALL = """
name = "small"
batch = 4
[sparsity]
pattern = "group4"
share = 0.5
first = 0.25
until = 0.5
prunings = 2
[normalisation]
mode = "running"
"""


def test_a_run_and_the_next(onnx_file: str, photographs: str, tmp_path: Path) -> None:
    log = finetune(onnx_file, photographs, tmp_path, SMALL, "--until", "0.6")
    network = Network(str(tmp_path / "out" / "small.onnx"))
    mask = read_masks(str(tmp_path / "out" / "small.masks.safetensors"), network)
    assert follows(mask, network, pattern_named("group4"))
    assert log[-1]["zeros"] == pytest.approx(sparsity(mask, network), abs=1e-4)
    assert log[-1]["macs"] == pytest.approx(macs_removed(mask, network), abs=1e-4)
    assert bool((network.flat_weights()[mask == 0] == 0).all())
    again = finetune(onnx_file, photographs, tmp_path, SMALL)
    assert again[-1]["steps"] > log[-1]["steps"]
    assert again[-1]["progress"] == 1
    after = read_masks(str(tmp_path / "out" / "small.masks.safetensors"), network)
    assert torch.equal(after, mask)


def test_learning_mends_what_pruning_broke(detector: str) -> None:
    teacher, batches = teacher_of(detector)
    recipe = Recipe()
    recipe.sparsity.pattern, recipe.sparsity.criterion = "1x4", "magnitude"
    recipe.normalisation.mode = "running"
    student = Student(recipe, teacher, torch.float32, batches, (teacher.weights.clone(), teacher.biases.clone()))
    prune(student, 0.5, batches, batches)
    losses = []
    for k in range(60):
        student.prepare(k / 60)
        student.step(batches[k % 2], *teacher(batches[k % 2]))
        losses.append(student.losses())
    for part in ("scores", "features"):
        assert losses[-1][part] + losses[-2][part] < 0.7 * (losses[0][part] + losses[1][part])


def test_photographs_are_decoded_once(photographs: str, tmp_path: Path) -> None:
    first = load([photographs], 32, str(tmp_path / "cache"), 1)
    assert first.sizes.max() == 32
    assert first.parts[0].shape == (12, 32, 32, 3)
    for file in Path(photographs).iterdir():
        file.unlink()
    again = load([photographs], 32, str(tmp_path / "cache"), 1)
    assert again.names == first.names
    assert (again.parts[0] == first.parts[0]).all()


def test_photographs_put_aside_are_always_the_same() -> None:
    names = [f"photo-{k}" for k in range(5000)]
    aside = held_out(names)
    assert 0.03 < aside.mean() < 0.05
    assert (held_out(names[::-1])[::-1] == aside).all()
