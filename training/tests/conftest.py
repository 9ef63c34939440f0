"""Small networks and photographs that tests share."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from filigree_training.heads import recognise
from filigree_training.network import Network
from filigree_training.teacher import Teacher

from .networks import NETWORKS

torch.set_num_threads(1)  # small networks, on machines that do other things


@pytest.fixture(params=list(NETWORKS))
def onnx_file(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A network of each head."""
    return NETWORKS[request.param](tmp_path / "network.onnx")


@pytest.fixture
def detector(tmp_path: Path) -> str:
    return NETWORKS["gfl"](tmp_path / "network.onnx")


def teacher_of(path: str) -> tuple[Teacher, list[torch.Tensor]]:
    """A calibrated teacher in floats, and two batches of four images."""
    torch.manual_seed(0)
    network = Network(path)
    teacher = Teacher(network, recognise(network), torch.device("cpu"), torch.float32)
    batches = [torch.randn(4, 3, network.side, network.side) for _ in range(2)]
    teacher.calibrate(batches)
    return teacher, batches


@pytest.fixture
def photographs(tmp_path: Path) -> str:
    """A folder of twelve."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    random = np.random.default_rng(0)
    for k in range(12):
        pixels = random.integers(0, 256, (24 + k, 40 - k, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((80, 60)).save(folder / f"photo{k}.png")
    return str(folder)
