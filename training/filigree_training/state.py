"""What a run leaves for the next one, small enough to travel: zeros compress, Adam's moments are kept in bfloat16."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from .student import Student

HALVED = ("m", "v")


def save_state(path: Path, student: Student) -> None:
    state = student.state()
    arrays = {}
    for name in Student.KEPT:
        value = state[name] * state["mask"] if state[name].shape == state["mask"].shape else state[name]
        if name in HALVED:
            arrays[name] = value.bfloat16().view(torch.int16).numpy()
        elif name == "mask":
            arrays[name] = value.to(torch.uint8).numpy()
        else:
            arrays[name] = value.numpy()
    for name, (step, zero) in state["ranges"].items():
        arrays[f"range {name}"] = np.array([float(step), float(zero)])
    np.savez_compressed(path, steps=state["steps"], progress=student.progress, **arrays)


def load_state(path: Path, student: Student) -> None:
    """@raises ValueError where the state is of another network"""
    data = np.load(path)
    if data["theta"].shape != tuple(student.theta.shape):
        raise ValueError(f"{path}: is of another network")
    state: dict[str, Any] = {"steps": int(data["steps"]), "ranges": {}}
    for name in Student.KEPT:
        value = torch.from_numpy(data[name])
        state[name] = value.view(torch.bfloat16).float() if name in HALVED else value.float()
    for key in data.files:
        if key.startswith("range "):
            step, zero = data[key]
            state["ranges"][key[6:]] = (torch.tensor([step]), torch.tensor([int(zero)], dtype=torch.int32))
    student.restore(state)
    student.progress = float(data["progress"])
