"""Average precision as COCO counts it (all areas, 100 detections), in numpy; quick enough to run while training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .arrays import Array

THRESHOLDS = np.arange(0.5, 0.96, 0.05)


def overlaps(a: Array, b: Array) -> Array:
    """(n, m) intersection over union of corners."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    inter = np.clip(high - low, 0, None).prod(-1)
    area_a, area_b = ((x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1]) for x in (a, b))
    return inter / np.maximum(area_a[:, None] + area_b[None] - inter, 1e-9)


def merged(boxes: Array, threshold: float = 0.01, iou: float = 0.6, most: int = 100) -> Array:
    """Non-maximum suppression of one image's boxes (n, 6), best first, class by class."""
    boxes = boxes[boxes[:, 4] > threshold]
    over = overlaps(boxes, boxes) > iou
    over &= boxes[:, None, 5] == boxes[None, :, 5]
    alive = np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        if alive[i]:
            alive[i + 1 :] &= ~over[i, i + 1 :]
    return boxes[alive][:most]


def average_precision(found: list[Array], truth: list[Array]) -> tuple[float, float]:
    """AP and AP50 in percent, 0 where there are no objects. `found`: (n, 6) an image; `truth`: (m, 6) x0, y0, x1, y1, crowd, class."""
    classes = sorted({int(c) for t in truth for c in t[t[:, 4] == 0, 5]})
    rows = [_of_class([f[f[:, 5] == c] for f in found], [t[t[:, 5] == c] for t in truth]) for c in classes]
    if not rows:
        return 0.0, 0.0
    table = np.array(rows)
    return 100 * float(table.mean()), 100 * float(table[:, 0].mean())


def _of_class(found: list[Array], truth: list[Array]) -> list[float]:
    matches = [_matches(f, t) for f, t in zip(found, truth)]
    total = sum(int((t[:, 4] == 0).sum()) for t in truth)
    order = np.argsort(-np.concatenate([f[:, 4] for f in found]), kind="mergesort")
    hit = np.concatenate([h for h, _ in matches], 1)[:, order]
    ignored = np.concatenate([i for _, i in matches], 1)[:, order]
    return [_area(hit[k][~ignored[k]], total) for k in range(len(THRESHOLDS))]


def _matches(f: Array, t: Array) -> tuple[Array, Array]:
    """(thresholds, n) hit, and ignored (in a crowd)."""
    t = t[np.argsort(t[:, 4], kind="stable")]  # crowds last
    crowd = t[:, 4] == 1
    hit, ignored = (np.zeros((len(THRESHOLDS), len(f)), bool) for _ in range(2))
    if not len(f) or not len(t):
        return hit, ignored
    iou = overlaps(f, t)
    if crowd.any():
        low, high = np.maximum(f[:, None, :2], t[None, :, :2]), np.minimum(f[:, None, 2:4], t[None, :, 2:4])
        own = (f[:, 2] - f[:, 0]) * (f[:, 3] - f[:, 1])
        iou = np.where(crowd[None], np.clip(high - low, 0, None).prod(-1) / own[:, None], iou)
    for k, threshold in enumerate(THRESHOLDS):
        taken = np.zeros(len(t), bool)
        for i in range(len(f)):
            match = _best(iou[i], taken, crowd, min(float(threshold), 1 - 1e-10))
            if match >= 0:
                taken[match] = True
                hit[k, i], ignored[k, i] = not crowd[match], crowd[match]
    return hit, ignored


def _best(iou: Array, taken: Array, crowd: Array, best: float) -> int:
    match = -1
    for j in range(len(iou)):
        if taken[j] and not crowd[j]:
            continue
        if match >= 0 and not crowd[match] and crowd[j]:
            break
        if iou[j] >= best:
            best, match = iou[j], j
    return match


def _area(right: Array, total: int) -> float:
    if not len(right) or not total:
        return 0.0
    hits = right.cumsum()
    precision = np.maximum.accumulate((hits / np.arange(1, len(right) + 1))[::-1])[::-1]
    at = np.searchsorted(hits / total, np.linspace(0, 1, 101), side="left")
    return float(np.where(at < len(precision), precision[np.minimum(at, len(precision) - 1)], 0).mean())


def coco_truth(path: str | Path, names: list[str], side: int, fit: str) -> list[Array]:
    """Boxes of instances.json in pixels of the input, in the order of `names` (file stems; what precedes the last "-" is a label).
    Category ids are classes where they run 0…79, else places in the sorted list of ids."""
    data = json.loads(Path(path).read_text())
    images = {Path(i["file_name"]).stem: i for i in data["images"]}
    ids = sorted({c["id"] for c in data.get("categories", [])})
    classes = {c: c if not ids or ids[0] == 0 else ids.index(c) for c in {a["category_id"] for a in data["annotations"]}}
    boxes: dict[int, list[list[float]]] = {i["id"]: [] for i in data["images"]}
    for a in data["annotations"]:
        x, y, w, h = a["bbox"]
        boxes[a["image_id"]].append([x, y, x + w, y + h, a.get("iscrowd", 0), classes[a["category_id"]]])
    truth: list[Array] = []
    for name in names:
        image = images[name if name in images else name.split("-")[-1]]
        size = np.array([image["width"], image["height"]], float)
        ratio = side / size if fit == "stretch" else np.full(2, side / size.max())
        t = np.array(boxes[image["id"]], float).reshape(-1, 6)
        t[:, :4] *= np.tile(ratio, 2)
        truth.append(t)
    return truth


def agreement_truth(found: list[Array], threshold: float = 0.3) -> list[Array]:
    """The teacher's own detections as truth."""
    return [np.concatenate([f[:, :4], np.zeros((len(f), 1)), f[:, 5:]], 1)[f[:, 4] >= threshold] for f in found]


def score(boxes: Array, truth: list[Array]) -> tuple[float, float]:
    """(images, most, 6) unmerged boxes against truth → AP, AP50. For worker processes."""
    return average_precision([merged(b) for b in boxes], truth)
