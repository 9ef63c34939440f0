"""What a run says while it goes on."""

from __future__ import annotations

import time
from typing import Any

import torch

from .recorded import Recorded

START = time.time()


def say(*words: Any) -> None:
    print(f"{time.time() - START:7.1f}", *words, flush=True)


def profile(parts: dict[str, Recorded]) -> None:
    """Milliseconds of each part alone, and the kernels of the last. Needs a GPU."""
    for name, run in parts.items():
        torch.cuda.synchronize()
        began = time.time()
        for _ in range(10):
            run()
        torch.cuda.synchronize()
        say(f"{name}: {(time.time() - began) * 100:.2f} ms")
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as p:
        run()
        torch.cuda.synchronize()
    rows = sorted(((e.self_device_time_total, e.count, e.key) for e in p.key_averages()), reverse=True)
    took, count = sum(r[0] for r in rows), sum(r[1] for r in rows)
    say(f"{took / 1e3:.1f} ms in {count} kernels; {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")
    for t, c, k in rows[:25]:
        print(f"{t / 1e3:8.2f} ms {c:5d} {k[:90]}")
