"""Every recipe in recipes/ trains a small network and keeps its rule; runs end with what a next one goes on from."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from filigree_training.__main__ import main
from filigree_training.features import channel_wise
from filigree_training.masks import read_masks
from filigree_training.network import Convolution, Network
from filigree_training.patterns import Pattern, follows, macs_removed, pattern_named, sparsity
from filigree_training.photos import held_out, load
from filigree_training.prune import prune, shared
from filigree_training.recipe import Recipe, Sparsity, read_recipe, recipe_of
from filigree_training.regrowth import regrow, regrown_share
from filigree_training.schedule import prunings
from filigree_training.student import Student
from filigree_training.train import Job, Training

from .conftest import teacher_of

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.toml"))
READ = {path: read_recipe(path).sparsity for path in RECIPES}
PRUNED = [path for path, s in READ.items() if s.method == "prune" and s.distribution != "time"]  # that: test_times.py


def layers(network: Network, pattern: Pattern, distribution: str) -> list[tuple[Convolution, float]]:
    """Those that are pruned, and what they cost."""
    fits = [c for c in network.convs.values() if c.prunable and pattern.fits(c)]
    if distribution == "both":
        macs, weights = sum(c.count * c.pixels for c in fits), sum(c.count for c in fits)
        return [(c, c.count * c.pixels / macs + c.count / weights) for c in fits]
    return [(c, float(c.count * (c.pixels if distribution == "macs" else 1))) for c in fits]


def removed_share(mask: torch.Tensor, network: Network, pattern: Pattern, distribution: str) -> float:
    costs = layers(network, pattern, distribution)
    return sum(cost * (1 - float(mask[c.weights_place].mean())) for c, cost in costs) / sum(cost for _, cost in costs)


def expected_share(network: Network, pattern: Pattern, s: Sparsity, share: float) -> tuple[float, float, float]:
    """What a recipe asks for, as far as `most` lets these small layers have it; no relative tolerance, and a block of each layer."""
    costs = layers(network, pattern, s.distribution)
    total = sum(cost for _, cost in costs)
    blocks = [c.columns // pattern.columns for c, _ in costs]
    most = min(s.most, share + 0.35) if s.criterion == "second-order" else s.most if s.distribution == "both" else 1.0
    limit = sum(cost * max(1, int(n * most)) / n for (_, cost), n in zip(costs, blocks)) / total
    block = sum(cost * pattern.rows * pattern.columns / c.count for c, cost in costs) / total
    return min(share, limit), 0.0, block


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_recipes_say_who_they_are(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    assert "arXiv" in recipe.paper
    pattern_named(recipe.sparsity.pattern)


@pytest.mark.parametrize("path", PRUNED, ids=lambda p: p.stem)
def test_masks_keep_the_rule(path: Path, detector: str) -> None:
    recipe = read_recipe(path)
    teacher, batches = teacher_of(detector)
    student = Student(recipe, teacher, torch.float32, batches, (teacher.weights.clone(), teacher.biases.clone()))
    s, pattern = recipe.sparsity, pattern_named(recipe.sparsity.pattern)
    before = student.flat_mask().clone()
    for _, share in prunings(s.first, s.share, s.until, max(2, s.prunings)):
        prune(student, share, batches, batches)
        mask = student.flat_mask()
        assert follows(mask, teacher.network, pattern)
        assert bool((mask <= before).all())  # zeros stay
        assert removed_share(mask, teacher.network, pattern, s.distribution) == pytest.approx(
            *expected_share(teacher.network, pattern, s, share)
        )
        student.prepare(0.5)
        student.step(batches[0], *teacher(batches[0]))
        assert bool((student.folded()[0][mask == 0] == 0).all())
        before = mask.clone()


def learning(name: str, detector: str) -> tuple[Student, Callable[[float], None]]:
    """A student of a recipe, and what does a step at some progress."""
    recipe = read_recipe(next(path for path in RECIPES if path.stem == name))
    teacher, batches = teacher_of(detector)
    student = Student(recipe, teacher, torch.float32, batches, (teacher.weights.clone(), teacher.biases.clone()))

    def step(progress: float) -> None:
        student.prepare(progress)
        student.step(batches[0], *teacher(batches[0]))

    return student, step


def test_layers_share_by_score_for_their_costs() -> None:
    cheap, dear = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5.0, 6.0], [7.0, 80.0]])
    pattern = pattern_named("unstructured")
    # a block of the second layer saves ten times as much: 5, 6 and 7 cost 0.5 to 0.7 for each part of it
    first, second = shared([cheap, dear], [4.0, 40.0], pattern, share=30 / 44, most=0.9)
    assert [first.tolist(), second.tolist()] == [[[1, 1], [1, 1]], [[0, 0], [0, 1]]]
    first, second = shared([cheap, dear], [4.0, 40.0], pattern, share=0.99, most=0.75)  # of each layer a quarter stays
    assert [first.tolist(), second.tolist()] == [[[0, 0], [0, 1]], [[0, 0], [0, 1]]]
    fours = pattern_named("group4")
    (mask,) = shared([torch.tensor([[1.0, 3.0], [2.0, 4.0]])], [16.0], fours, share=0.5, most=0.9)
    assert mask.tolist() == [[0, 1]] * 4 + [[0, 1]] * 4
    assert fours.holds(mask)


def test_sr_ste_keeps_two_of_four_and_revives(detector: str) -> None:
    student, step = learning("picodet-2of4", detector)
    pattern = pattern_named("2:4")
    masks = []
    for k in range(30):
        step(k / 60)
        assert follows(student.flat_mask(), student.network, pattern)
        masks.append(student.flat_mask().clone())
    assert bool((masks[-1] > masks[0]).any())  # zeros came back
    zeros = masks[-1] == 0
    assert float(student.theta[: student.network.weights][zeros].abs().max()) > 0  # and go on learning
    before = student.theta.clone()
    for _ in range(3):
        step(0.9)
    assert torch.equal(student.flat_mask(), masks[-1]), "masks stay at the end"
    assert torch.equal(student.theta[: len(zeros)][zeros], before[: len(zeros)][zeros])
    assert bool((student.folded()[0][zeros] == 0).all())


def test_decay_pulls_zeros_alone(detector: str) -> None:
    student, _ = learning("picodet-2of4", detector)
    student.prepare(0.1)
    student._follow()
    before = student.theta.clone()
    student.learn(torch.zeros_like(student.theta), torch.zeros(len(student.parts)))
    moved = student.theta - before
    assert bool((moved[student.mask == 1] == 0).all())
    zeros = (student.mask == 0) & (before != 0)
    assert bool((moved[zeros].sign() == -before[zeros].sign()).all())


def test_regrowth_keeps_shares_and_follows_gradients(detector: str) -> None:
    student, step = learning("picodet-rigl-g4-50", detector)
    pattern = pattern_named("group4")
    _, batches = teacher_of(detector)
    prune(student, 0.5, batches, batches)
    step(0.1)
    layers = [c for c in student.network.convs.values() if c.prunable and pattern.fits(c)]
    before = student.flat_mask().clone()
    regrow(student, 0.3)
    after = student.flat_mask()
    assert follows(after, student.network, pattern)
    for c in layers:
        old, new = (pattern.blocks(m[c.weights_place].view(c.rows, c.columns))[..., 0].flatten() for m in (before, after))
        assert old.sum() == new.sum()
        slope = pattern.blocks(student.dense[c.weights_place].view(c.rows, c.columns).abs()).sum(-1).flatten()
        born, unborn = (new > old), (new == 0) & (old == 0)
        if bool(born.any()) and bool(unborn.any()):
            assert float(slope[born].min()) >= float(slope[unborn].max())
    born_weights = (after > before) & (after == 1)
    assert bool(born_weights.any())
    assert bool((student.theta[: len(after)][born_weights] == 0).all())
    assert regrown_share(0, 0.3, 0.5) == pytest.approx(0.3)
    assert regrown_share(0.25, 0.3, 0.5) == pytest.approx(0.15)
    assert regrown_share(0.5, 0.3, 0.5) == pytest.approx(0)


def test_channel_wise_distillation() -> None:
    torch.manual_seed(0)
    t = torch.randn(2, 3, 4, 4)
    assert float(channel_wise(t, t, 4)) == pytest.approx(0, abs=1e-6)
    assert float(channel_wise(t + 5, t, 4)) == pytest.approx(0, abs=1e-5), "what shifts a whole channel does not count"
    s = torch.randn_like(t)
    p, q = (v.flatten(2).div(2).softmax(-1) for v in (t, s))
    assert float(channel_wise(s, t, 2)) == pytest.approx(float(4 * (p * (p / q).log()).sum() / 6), rel=1e-5)


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


def test_eight_bits_in_the_middle_of_a_run(detector: str, photographs: str, tmp_path: Path) -> None:
    recipe = recipe_of({"batch": 4, "sparsity": {"share": 0.0, "first": 0.0}, "quantisation": {"enabled": True, "since": 0.6}}, "here")
    job = Job(detector, [photographs], str(tmp_path / "out"), [recipe], minutes=0.02, cache=str(tmp_path / "cache"))
    for until, eight in ((0.5, False), (1.0, True)):
        run = Training(dataclasses.replace(job, until=until))
        run.go()
        assert run.students[0].eight == eight


@pytest.mark.parametrize(("until", "settled"), [(0.5, False), (1.0, True)])
def test_weights_are_averaged_once_statistics_stay(until: float, settled: bool, detector: str, photographs: str, tmp_path: Path) -> None:
    recipe = recipe_of({"batch": 4, "sparsity": {"share": 0.0, "first": 0.0}, "normalisation": {"mode": "running"}}, "here")
    assert 0.5 < recipe.normalisation.settle < 1
    run = Training(Job(detector, [photographs], str(tmp_path / "out"), [recipe], minutes=0.03, until=until, cache=str(tmp_path / "cache")))
    run.go()
    student = run.students[0]
    written = Network(str(tmp_path / "out" / "student.onnx")).flat_weights()
    same = {averaged: torch.equal(written, student.folded(averaged)[0]) for averaged in (True, False)}
    assert same == {settled: True, not settled: False}


def test_learning_mends_what_pruning_broke(detector: str) -> None:
    teacher, batches = teacher_of(detector)
    recipe = Recipe()
    recipe.sparsity.pattern, recipe.sparsity.criterion = "1x4", "magnitude"
    recipe.normalisation.mode = "running"
    student = Student(recipe, teacher, torch.float32, batches, (teacher.weights.clone(), teacher.biases.clone()))
    prune(student, 0.5, batches, batches)
    losses = []
    for k in range(200):
        student.prepare(k / 200)
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
