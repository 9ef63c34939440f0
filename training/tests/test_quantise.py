"""Eight bits as the kernels have them."""

from pathlib import Path

import torch

from filigree_training.network import Convolution, Network
from filigree_training.quantise import LEVELS, InputRanges, Observer, calibrated, int8_network, pointwise_weights, round_weights
from filigree_training.recipe import read_recipe
from filigree_training.student import Student

from .conftest import teacher_of


def test_weights_are_whole_steps_of_their_row(detector: str) -> None:
    network = Network(detector)
    weights, chosen = network.flat_weights(), pointwise_weights(network)
    rounded = round_weights(weights, network.row_of_weight(), network.channels, chosen)
    assert torch.equal(rounded[chosen == 0], weights[chosen == 0])
    for c in network.convs.values():
        if c.pointwise:
            before, after = (w[c.weights_place].view(c.rows, -1) for w in (weights, rounded))
            step = before.abs().amax(1, keepdim=True) / 127
            assert float(((after / step) - (after / step).round()).abs().max()) < 1e-3
            assert bool(((after - before).abs() <= step / 2 * 1.001).all())


def test_ranges_leave_out_the_share(detector: str) -> None:
    network = Network(detector)
    c = next(c for c in network.convs.values() if c.pointwise)
    observer = Observer(lambda _, x: x, share=0.98)
    observer(c, torch.arange(1000.0).view(1, 10, 10, 10))
    assert float(observer.least[c.source]) == 10
    assert float(observer.most[c.source]) == 989


def test_inputs_are_whole_steps_and_zero_stays(detector: str) -> None:
    network = Network(detector)
    ranges = InputRanges(network, torch.device("cpu"))
    every = dict.fromkeys(ranges.names, torch.tensor(-1.0)), dict.fromkeys(ranges.names, torch.tensor(3.0))
    ranges.set(*every)
    step = 4 / LEVELS
    x = torch.tensor([-5.0, -1, 0, 0.5, 3, 9]).view(1, 6, 1, 1)
    y = ranges.quantised(ranges.names[0], x).flatten()
    assert float(y[2]) == 0
    assert bool(((y / step) - (y / step).round()).abs().max() < 1e-3)
    assert abs(float(y[0]) + 1) < step
    assert abs(float(y[-1]) - 3) < step


def test_an_int8_network_is_near_its_floats(detector: str) -> None:
    network = Network(detector)
    weights, biases = network.flat_weights(), network.flat_biases()
    images = torch.randn(4, 3, network.side, network.side)
    wanted = [c.output for c in network.convs.values() if c.head]
    ranges = calibrated(network, weights, biases, [images], wanted)
    floats = network.run(images, wanted, network.biased(weights, biases))
    eight = network.run(images, wanted, int8_network(network, weights, biases, ranges))
    for a, b in zip(eight, floats):
        assert 1e-4 < float((a - b).norm() / b.norm()) < 0.1


def test_only_pointwise_layers_are_in_eight_bits(detector: str) -> None:
    def rule(c: Convolution) -> bool:
        return c.shape[2:] == (1, 1) and c.groups == 1 and c.pixels > 1

    network = Network(detector)
    assert [c.pointwise for c in network.convs.values()] == [rule(c) for c in network.convs.values()]


def test_eight_bits_begin_when_they_are_due(detector: str) -> None:
    teacher, batches = teacher_of(detector)
    recipe = read_recipe(Path(__file__).parents[1] / "recipes" / "picodet-int8-x4-30.toml")
    since = recipe.quantisation.since
    assert 0 < since < 1
    student = Student(recipe, teacher, torch.float32, batches, (teacher.weights.clone(), teacher.biases.clone()))

    def outputs(quantised: bool | None = None) -> list[torch.Tensor]:
        conv = student.convolution(student.theta * student.mask, torch.float32, quantised=quantised)
        return student.network.run(batches[0], teacher.head.wanted, conv)

    def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
        return all(torch.equal(x, y) for x, y in zip(a, b))

    student.momentum.zero_()
    floats, eight = outputs(quantised=False), outputs(quantised=True)
    assert not same(floats, eight)
    assert not student.imitate(since - 0.01, batches)
    assert same(outputs(), floats)
    assert student.imitate(since, batches)
    assert same(outputs(), eight)
    assert not student.imitate(since + 0.1, batches), "only once"
    before = student.theta.clone()
    student.step(batches[0], *teacher(batches[0]))
    assert torch.equal(student.theta, before), "a step that is recorded learns nothing"
    student.prepare(since)
    student.step(batches[0], *teacher(batches[0]))
    assert not torch.equal(student.theta, before)
