"""The Triton kernels give what PyTorch gives. On a machine without a GPU: TRITON_INTERPRET=1 (NumPy below 2.3)."""

import pytest
import torch

from filigree_training import kernels
from filigree_training.augment import Augmenter
from filigree_training.photos import Photos
from filigree_training.recipe import Augmentation, Input

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
pytestmark = pytest.mark.skipif(not kernels.usable(torch.zeros(1, device=DEVICE)), reason="needs a GPU, or TRITON_INTERPRET=1")


def near(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a.detach().double() - b.detach()).norm() / b.detach().norm())


@pytest.mark.parametrize("mode", ["batch", "running", "frozen"])
@pytest.mark.parametrize(("channels", "activation"), [(24, ""), (44, "HardSwish"), (96, "Relu6"), (44, "Silu"), (24, "Relu")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_normalisation_with_activation(channels: int, activation: str, mode: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = (torch.randn(3, channels, 21, 19, device=DEVICE) * 2 + 1).to(dtype).contiguous(memory_format=torch.channels_last)
    g, gamma, beta = torch.randn_like(x), torch.rand(channels, device=DEVICE) + 0.5, torch.randn(channels, device=DEVICE)
    running = torch.stack([torch.randn(channels, device=DEVICE) + 1, torch.rand(channels, device=DEVICE) + 3])
    momentum = torch.full((1,), 0.1, device=DEVICE)
    moved, expected = running.clone(), running.double()
    leaves = [t.clone().requires_grad_() for t in (x, gamma, beta)]
    y = kernels.norm_activation(leaves[0], leaves[1], leaves[2], moved, momentum, 1e-5, mode, activation)
    mine = torch.autograd.grad(y, leaves, g)
    double = [t.double().detach().requires_grad_() for t in (x, gamma, beta)]
    z = kernels.PLAIN_ACTIVATIONS[activation](kernels._normalised(double[0], double[1], double[2], expected, momentum.double(), 1e-5, mode))
    theirs = torch.autograd.grad(z, double, g.double())
    most = 1e-2 if dtype == torch.bfloat16 else 1e-5  # of bfloat16's 8 bits
    assert all(near(a, b) < most for a, b in zip((y, *mine), (z, *theirs)))
    assert near(moved, expected) < 1e-5
    assert (mode != "frozen") == (not torch.equal(moved, running))


def test_squared_error() -> None:
    torch.manual_seed(0)
    s = torch.randn(2, 24, 9, 7, device=DEVICE).contiguous(memory_format=torch.channels_last).requires_grad_()
    t, precision = torch.randn_like(s), torch.rand(24, device=DEVICE)
    plain = ((s.double() - t.double()).square() * precision.double().view(1, -1, 1, 1)).mean()
    fast = kernels.squared_error(s, t, precision)
    assert near(fast, plain) < 1e-5
    assert near(torch.autograd.grad(fast * 3, s)[0], torch.autograd.grad(plain * 3, s)[0].double()) < 1e-5


@pytest.mark.parametrize("side", [64, 96])
def test_warp(side: int) -> None:
    torch.manual_seed(0)
    photos = Photos(
        [torch.randint(0, 256, (6, 64, 64, 3), dtype=torch.uint8).numpy()], torch.randint(32, 65, (6, 2)).numpy(), list("abcdef")
    )
    augmenter = Augmenter(photos, Input(fit="stretch"), side, DEVICE)
    geometry = augmenter.geometry(8, Augmentation(mosaic=0.5))
    difference = (augmenter.warp(geometry) - augmenter.warp_plain(geometry)).abs()
    assert float((difference > 0.05).float().mean()) < 1e-4  # a pixel on an edge may fall to either side


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_quantise(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 24, 9, 7, device=DEVICE).to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()
    step, zero = torch.full((1,), 0.03, device=DEVICE), torch.full((1,), 50, dtype=torch.int32, device=DEVICE)
    y = kernels.quantised(x, step, zero, 127)
    plain = torch.fake_quantize_per_tensor_affine(x.float(), step, zero, 0, 127)
    assert near(y, plain) < (1e-2 if dtype == torch.bfloat16 else 1e-3)  # halves may go up or down
    (g,), (h,) = (torch.autograd.grad(v.sum(), x, retain_graph=True) for v in (y, plain))
    assert float((g != h).float().mean()) < 1e-2
