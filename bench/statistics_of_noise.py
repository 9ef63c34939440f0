"""Random networks whose numbers neither vanish nor explode, for bench/exports.py and exports-classifiers.py."""

import torch


def randomise(network: torch.nn.Module, size: int, *, scales: bool = False) -> None:
    """Gives batch normalisations the statistics of random images of that side; with `scales`, random scales and shifts as well."""
    torch.manual_seed(7)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
            module.reset_running_stats()
            if scales:
                torch.nn.init.uniform_(module.weight, 0.5, 1.5)
                torch.nn.init.uniform_(module.bias, -0.3, 0.3)
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    network.train()
    with torch.no_grad():
        for _ in range(2):
            network(torch.rand(2, 3, size, size))
    network.eval()
