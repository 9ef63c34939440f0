"""Writes pycocotools-more-cases.json: random poses and masks, and what pycocotools makes of them.

    pip install pycocotools && python test/evaluate/pycocotools-more-cases.py

Written with pycocotools 2.0.11.
"""

import contextlib
import copy
import io
import json
import pathlib
import random

import numpy as np
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

rng = random.Random(5)
WIDTH, HEIGHT = 90, 70


def stats(dataset, results, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = copy.deepcopy(dataset)
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(copy.deepcopy(results)), kind)
        run.evaluate()
        run.accumulate()
        run.summarize()
    return [float(v) for v in run.stats]


def blob():
    grid = np.zeros((HEIGHT, WIDTH), dtype=np.uint8, order="F")
    for _ in range(rng.randint(1, 3)):
        x, y = rng.randint(0, WIDTH - 5), rng.randint(0, HEIGHT - 5)
        grid[y : y + rng.randint(3, 50), x : x + rng.randint(3, 60)] = 1
    return grid


def counts(grid):
    flat = grid.flatten(order="F")
    lengths, value, run = [], 0, 0
    for v in flat:
        if v != value:
            lengths.append(run)
            value, run = v, 0
        run += 1
    return lengths + [run]


def polygon():
    x, y = rng.uniform(5, 70), rng.uniform(5, 50)
    corners = rng.randint(3, 8)
    radius = rng.uniform(4, 45)
    turns = sorted(rng.uniform(0, 6.28) for _ in range(corners))
    return [round(v, 2) for t in turns for v in (x + radius * np.cos(t), y + radius * np.sin(t))]


images = [{"id": i, "file_name": f"{i}.jpg", "width": WIDTH, "height": HEIGHT} for i in range(1, 6)]
categories = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
poses = {"images": images, "categories": categories[:1], "annotations": []}
shapes = {"images": images, "categories": categories, "annotations": []}
pose_results, shape_results, polygons = [], [], []
for n in range(1, 41):
    image = rng.randint(1, 5)
    width, height = rng.uniform(10, 150), rng.uniform(10, 150)
    x, y = rng.uniform(0, 50), rng.uniform(0, 50)
    shown = rng.choice([0, 0, 5, 17])
    visible = [rng.choice([1, 2]) if k < shown else 0 for k in range(17)]
    places = [(x + rng.random() * width, y + rng.random() * height) if v else (0, 0) for v in visible]
    crowd = int(shown == 0 and rng.random() < 0.5)
    poses["annotations"].append(
        {
            "id": n,
            "image_id": image,
            "category_id": 1,
            "bbox": [x, y, width, height],
            "area": width * height * 0.6,
            "iscrowd": crowd,
            "num_keypoints": shown,
            "keypoints": [v for place, seen in zip(places, visible) for v in (*place, seen)],
        }
    )
    for _ in range(rng.choice([0, 1, 2])):
        spread = rng.choice([1, 4, 15])
        near = [(px + rng.gauss(0, spread), py + rng.gauss(0, spread)) for px, py in places]
        near = [place if seen else (x + rng.random() * width, y + rng.random() * height) for place, seen in zip(near, visible)]
        pose_results.append(
            {
                "image_id": image,
                "category_id": 1,
                "keypoints": [v for place in near for v in (*place, 1)],
                "score": rng.choice([round(rng.random(), 3), 0.5]),
            }
        )
for n in range(1, 41):
    image, category = rng.randint(1, 5), rng.choice([1, 2])
    crowd = int(rng.random() < 0.2)
    if crowd:
        grid = blob()
        segmentation = {"size": [HEIGHT, WIDTH], "counts": counts(grid)}
    else:
        segmentation = [polygon() for _ in range(rng.choice([1, 1, 2]))]
        rle = masks.merge(masks.frPyObjects(segmentation, HEIGHT, WIDTH))
        grid = masks.decode(rle)
        polygons.append({"polygons": segmentation, "counts": counts(grid), "text": rle["counts"].decode()})
    shapes["annotations"].append(
        {
            "id": n,
            "image_id": image,
            "category_id": category,
            "bbox": [0, 0, WIDTH, HEIGHT],
            "area": float(grid.sum()),
            "iscrowd": crowd,
            "segmentation": segmentation,
        }
    )
    for _ in range(rng.choice([0, 1, 2])):
        near = np.roll(grid, (rng.randint(-3, 3), rng.randint(-3, 3)), axis=(0, 1))
        if rng.random() < 0.2:
            near = blob()
        shape_results.append(
            {
                "image_id": image,
                "category_id": category,
                "segmentation": {"size": [HEIGHT, WIDTH], "counts": masks.encode(np.asfortranarray(near))["counts"].decode()},
                "score": rng.choice([round(rng.random(), 3), 0.5]),
            }
        )
cases = {
    "poses": {"dataset": poses, "results": pose_results, "stats": stats(poses, pose_results, "keypoints")},
    "shapes": {"dataset": shapes, "results": shape_results, "stats": stats(shapes, shape_results, "segm")},
    "polygons": polygons,
}
rounded = json.loads(json.dumps(cases), parse_float=float)
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(rounded) + "\n")
