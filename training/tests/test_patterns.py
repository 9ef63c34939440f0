"""Masks have their pattern and their share, in files too."""

from pathlib import Path

import pytest
import torch

from filigree_training.masks import read_masks, write_masks
from filigree_training.network import Network
from filigree_training.patterns import follows, pattern_named, sparsity


@pytest.mark.parametrize("name", ["unstructured", "group2", "group4", "1x4", "2x4", "4x4"])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_blocks(name: str, share: float) -> None:
    torch.manual_seed(0)
    pattern, scores = pattern_named(name), torch.rand(16, 32)
    mask = pattern.mask(scores, share)
    assert pattern.holds(mask)
    assert float(mask.mean()) == pytest.approx(1 - share)
    sums = pattern.blocks(scores).sum(-1)
    kept = pattern.blocks(mask)[..., 0] > 0
    assert float(sums[kept].min()) > float(sums[~kept].max())


@pytest.mark.parametrize(("name", "kept", "of"), [("2:4", 2, 4), ("1:4", 1, 4), ("4:16", 4, 16)])
def test_n_of_m(name: str, kept: int, of: int) -> None:
    torch.manual_seed(0)
    pattern, scores = pattern_named(name), torch.rand(8, 32)
    mask = pattern.mask(scores, 0.0)
    assert torch.equal(mask.view(8, -1, of).sum(-1), torch.full((8, 32 // of), float(kept)))
    assert pattern.holds(mask)
    best = scores.view(8, -1, of).topk(kept, -1).values.sum()
    assert float((scores * mask).sum()) == pytest.approx(float(best))


def test_what_does_not_hold() -> None:
    mask = torch.ones(8, 8)
    mask[1, 3] = 0
    assert not any(pattern_named(n).holds(mask) for n in ("group2", "group4", "1x4", "2x4"))
    assert pattern_named("unstructured").holds(mask)
    with pytest.raises(ValueError, match="stripes"):
        pattern_named("stripes")


def pruned(network: Network, name: str) -> torch.Tensor:
    mask, pattern = torch.ones(network.weights), pattern_named(name)
    for c in network.convs.values():
        if c.prunable and pattern.fits(c):
            mask[c.weights_place] = pattern.mask(torch.rand(c.rows, c.columns), 0.5).flatten()
    return mask


def test_files_of_masks(detector: str, tmp_path: Path) -> None:
    network = Network(detector)
    mask = pruned(network, "group4")
    write_masks(str(tmp_path / "m.safetensors"), network, mask, {"pattern": "group4"})
    again = read_masks(str(tmp_path / "m.safetensors"), network)
    assert torch.equal(again, mask)
    assert follows(again, network, pattern_named("group4"))
    assert not follows(again, network, pattern_named("1x4"))
    assert 0.4 < sparsity(again, network) <= 0.5


def test_a_file_of_another_network(detector: str, tmp_path: Path) -> None:
    network = Network(detector)
    write_masks(str(tmp_path / "m.safetensors"), network, pruned(network, "unstructured"), {})
    data = (tmp_path / "m.safetensors").read_bytes()
    (tmp_path / "other.safetensors").write_bytes(data.replace(b"Conv_", b"Gone_"))
    with pytest.raises(ValueError, match="Gone_"):
        read_masks(str(tmp_path / "other.safetensors"), network)
