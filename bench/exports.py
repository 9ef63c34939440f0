"""Makes a folder of what Ultralytics' exporter makes of its networks, for bench/exports.ts to compare.

    python bench/exports.py FOLDER [PATTERN]

Families x tasks x options, with random weights and few channels: files of about a megabyte. PATTERN chooses among
names like `yolo26-seg.e2e.onnx`. It needs PyPI's `ultralytics` and `onnxslim`, and torch.
"""

import logging
import os
import re
import sys
import warnings
from pathlib import Path

import torch
import yaml
from statistics_of_noise import randomise
from ultralytics import RTDETR, YOLO
from ultralytics.nn.tasks import yaml_model_load
from ultralytics.utils import LOGGER

TASKS = {"seg": "segment", "pose": "pose", "obb": "obb", "cls": "classify"}
ALL_TASKS = ["", "-seg", "-pose", "-obb", "-cls"]
FAMILIES = {
    "v5/yolov5": [""],
    "v8/yolov8": ALL_TASKS,
    "v9/yolov9t": [""],
    "v9/yolov9c": ["-seg"],
    "v10/yolov10n": [""],
    "11/yolo11": ALL_TASKS,
    "12/yolo12": ALL_TASKS,
    "26/yolo26": ALL_TASKS,
    "rt-detr/rtdetr-l": [""],
}
OPTIONS = {
    "plain": {"simplify": False},
    "slim": {"simplify": True},
    "e2e": {"nms": False, "simplify": True},  # YOLO26 and YOLOv10 keep their own tail then
    "nms": {"nms": True, "simplify": True},
    "half": {"half": True, "simplify": True},
    "dynamic": {"dynamic": True, "simplify": True},
}


def narrowed(name: str) -> dict:
    """A network's description with few channels; attention wants 32 of them in each head."""
    config = yaml_model_load(f"{name}.yaml")
    if "scales" in config:
        depth, _, _ = config["scales"].get("n", next(iter(config["scales"].values())))
        config["scales"] = {"n": [depth, 0.25 if "yolo12" in name else 0.0625, 512]}
        config["scale"] = "n"
    return {key: value for key, value in config.items() if key != "yaml_file"}


def randomise_detector(network: torch.nn.Module, size: int) -> None:
    """Statistics of random images, and scores that are spread out."""
    randomise(network, size)
    for name, parameter in network.named_parameters():
        if name.endswith(".bias") and parameter.numel() in (1, 15, 80):
            parameter.data.uniform_(-4, -1)


def export(name: str, file: Path, options: dict) -> None:
    stem = name.split("/")[-1]
    size = 64 if stem.endswith("-cls") else 128
    described = file.parent / f"{stem}.yaml"
    described.write_text(yaml.safe_dump(narrowed(name), sort_keys=False))
    is_detr = stem.startswith("rtdetr")
    model = RTDETR(described) if is_detr else YOLO(described, task=TASKS.get(stem.split("-")[-1], "detect"))
    if not is_detr:
        randomise_detector(model.model, size)
    os.replace(model.export(format="onnx", imgsz=size, opset=17, **options), file)


def main() -> None:
    warnings.filterwarnings("ignore")
    LOGGER.setLevel(logging.ERROR)
    folder = Path(sys.argv[1])
    pattern = re.compile(sys.argv[2] if len(sys.argv) > 2 else ".")
    folder.mkdir(parents=True, exist_ok=True)
    for family, tasks in FAMILIES.items():
        for name in (family + task for task in tasks):
            for option, options in OPTIONS.items():
                file = folder / f"{name.split('/')[-1]}.{option}.onnx"
                if file.exists() or not pattern.search(file.name):
                    continue
                try:
                    export(name, file, options)
                    print(file.name, file.stat().st_size, flush=True)
                except (AssertionError, RuntimeError, ValueError) as error:
                    print(file.name, type(error).__name__, error, flush=True)


if __name__ == "__main__":
    main()
