"""A recipe: how one student is trained. Read from TOML; every key has a default, an unknown one is an error."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import swaps


@dataclass
class Input:
    """How photographs become the network's input."""

    order: str = "RGB"  # or BGR
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    fit: str = "letterbox"  # or stretch


@dataclass
class Sparsity:
    """Which zeros, how many, and when."""

    method: str = "prune"  # a share that grows; or regrow: RigL; or sr-ste: N of M, chosen anew in every step until `until`
    pattern: str = "unstructured"
    share: float = 0.5  # of what `distribution` counts, in the layers that are pruned
    distribution: str = "macs"  # multiply-adds; both: these and weights alike; uniform: weights of each layer; time: what zeros can save
    times: tuple[str, ...] = ()  # time: two profiles (times.py), of the dense network and of one with zeros of this pattern
    criterion: str = "second-order"  # or fisher, magnitude
    first: float = 0.3  # share at the beginning
    until: float = 0.4  # progress at which the whole share is reached
    prunings: int = 8  # how often masks are chosen, the first at progress 0
    most: float = 0.9  # zeros of one group of rows at most (second-order), of one layer (fisher, magnitude)
    damping: float = 0.01  # of H, over the mean of its diagonal
    regrown: float = 0.3  # regrow: of the weights kept, how many change places at first
    every: int = 100  # regrow: steps between
    decay: float = 2e-4  # sr-ste: of weights that are zero
    masks: str = ""  # a mask file instead: these zeros from the beginning, no others


@dataclass
class Quantisation:
    """Imitation of eight bits in pointwise layers."""

    enabled: bool = False
    since: float = 0.0  # progress from which it is on
    every: int = 500  # steps between looks at the inputs' ranges


@dataclass
class Normalisation:
    """How a student's convolutions are normalised while it learns (kernels.norm_activation)."""

    mode: str = "frozen"  # or running, batch
    momentum: float = 0.02  # by which running statistics follow a batch's
    settle: float = 0.6  # progress from which they stay


@dataclass
class Optimiser:
    """Adam (Kingma and Ba 2015, arXiv 1412.6980) on weights in units of their row's magnitude."""

    rate: float = 4e-3
    final: float = 0.01  # rate at the end over the greatest
    warm: float = 0.03  # progress of the warm-up
    beta1: float = 0.9
    beta2: float = 0.99
    clip: float = 10.0  # norm of the gradient
    average: float = 0.998  # of the exponential moving average of weights


@dataclass
class Augmentation:
    """Of photographs; from progress `calm` on, as they are in use."""

    mosaic: float = 0.2  # share of images made of four photographs
    scale: tuple[float, float] = (0.6, 1.4)
    stretch: float = 0.1
    colour: float = 0.7
    mixup: float = 0.0
    calm: float = 0.7


@dataclass
class Features:
    """How values inside are compared (features.py)."""

    kind: str = "squared"  # or channel-wise
    temperature: float = 4.0  # of channel-wise


DISTRIBUTIONS = ("macs", "both", "uniform", "time")
METHODS, KINDS = ("prune", "regrow", "sr-ste"), ("squared", "channel-wise")


@dataclass
class Recipe:
    """One student's."""

    name: str = "student"
    paper: str = ""
    seed: int = 1
    batch: int = 64
    input: Input = field(default_factory=Input)
    sparsity: Sparsity = field(default_factory=Sparsity)
    normalisation: Normalisation = field(default_factory=Normalisation)
    quantisation: Quantisation = field(default_factory=Quantisation)
    optimiser: Optimiser = field(default_factory=Optimiser)
    augmentation: Augmentation = field(default_factory=Augmentation)
    features: Features = field(default_factory=Features)
    activations: dict[str, str] = field(default_factory=dict)  # what takes the place of others, such as Silu = "HardSwish" (swaps.py)
    losses: dict[str, float] = field(default_factory=dict)  # weights of the head's parts and of `features`; 1 unless named

    def weight(self, part: str) -> float:
        return self.losses.get(part, 1.0)


def read_recipe(path: str | Path) -> Recipe:
    """@raises ValueError naming the file and the key that is not known"""
    with Path(path).open("rb") as file:
        return recipe_of(tomllib.load(file), str(path))


def recipe_of(data: dict[str, Any], where: str) -> Recipe:
    recipe = _filled(Recipe, data, where)
    if not 0 <= recipe.sparsity.share < 1 or recipe.sparsity.first > recipe.sparsity.share:
        raise ValueError(f"{where}: wanted 0 <= first <= share < 1 in [sparsity]")
    if recipe.sparsity.method not in METHODS or recipe.features.kind not in KINDS:
        raise ValueError(f"{where}: wanted a method of {', '.join(METHODS)} and features of {', '.join(KINDS)}")
    if recipe.sparsity.distribution not in DISTRIBUTIONS:
        raise ValueError(f"{where}: wanted a distribution of {', '.join(DISTRIBUTIONS)} in [sparsity]")
    if (recipe.sparsity.distribution == "time") != (len(recipe.sparsity.times) == 2):
        raise ValueError(f'{where}: distribution "time" wants two profiles in [sparsity] times, the others none')
    swaps.check(recipe.activations, f"{where} [activations]")
    return recipe


def _filled(kind: type, data: dict[str, Any], where: str) -> Any:
    fields = {f.name: f for f in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key not in fields:
            raise ValueError(f"{where}: there is no {key!r}; there are {', '.join(fields)}")
        default = getattr(kind(), key)
        if dataclasses.is_dataclass(default):
            values[key] = _filled(type(default), value, f"{where} [{key}]")
        else:
            values[key] = tuple(value) if isinstance(default, tuple) else value
    return kind(**values)
