"""Functions without arguments as CUDA graphs, each on its own stream; called as they are on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch


class Recorded:
    """Runs `run` three times and records the fourth. It must not wait for the GPU, nor change the shape of anything."""

    def __init__(self, run: Callable[[], None], device: torch.device) -> None:
        self.run, self.cuda = run, device.type == "cuda"
        if not self.cuda:
            run()
            return
        self.stream, self.done = torch.cuda.Stream(), torch.cuda.Event()
        torch.cuda.synchronize()
        with torch.cuda.stream(self.stream):
            for _ in range(3):
                run()
        torch.cuda.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=self.stream):
            run()
        self.graph.replay()
        torch.cuda.synchronize()

    def __call__(self, before: Callable[[], None] | None = None, after: Iterable[Recorded] = ()) -> None:
        """Runs when all of `after` have; `before` is called first, on the same stream."""
        if not self.cuda:
            if before:
                before()
            self.run()
            return
        with torch.cuda.stream(self.stream):
            for other in after:
                self.stream.wait_event(other.done)
            if before:
                before()
            self.graph.replay()
            self.done.record(self.stream)
