"""Writes pycocotools-cases.jsonl: random small data sets and what pycocotools makes of them.

    pip install pycocotools && python test/evaluation/pycocotools-cases.py

Written with pycocotools 2.0.11, NumPy 2.4.6.
"""

import contextlib
import io
import json
import pathlib
import random

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

METRICS = ["ap", "ap50", "ap75", "apSmall", "apMedium", "apLarge"]
METRICS += ["ar1", "ar10", "ar100", "arSmall", "arMedium", "arLarge"]

rng = random.Random(7)


def evaluate(images, categories, annotations, results):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": i} for i in images],
            "categories": [{"id": c} for c in categories],
            "annotations": annotations,
        }
        truth.createIndex()
        if results:
            found = truth.loadRes([dict(r) for r in results])
        else:
            found = COCO()
            found.dataset = {**truth.dataset, "annotations": []}
            found.createIndex()
        run = COCOeval(truth, found, "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return dict(zip(METRICS, map(float, run.stats)))


def case(objects, noise):
    images = rng.sample(range(1, 50), rng.randint(1, 4))
    categories = rng.sample(range(9), rng.randint(1, 3))
    annotations, results = [], []
    for i in range(objects):
        size = rng.choice([20, 60, 150])
        box = [rng.randint(0, 300), rng.randint(0, 300), rng.randint(size // 2, size * 2), rng.randint(size // 2, size * 2)]
        area = rng.choice([box[2] * box[3], round(box[2] * box[3] * 0.6, 1), 1024, 9216])
        annotations.append(
            {
                "id": i + 1,
                "image_id": rng.choice(images),
                "category_id": rng.choice(categories),
                "bbox": box,
                "area": area,
                "iscrowd": int(rng.random() < 0.15),
            }
        )
        for _ in range(rng.choice([0, 1, 1, 2, 4])):
            near = [v + rng.choice([0, 0, round(rng.uniform(-8, 8), 1)]) for v in box]
            results.append(
                {
                    "image_id": annotations[-1]["image_id"],
                    "category_id": rng.choice([annotations[-1]["category_id"]] * 4 + categories),
                    "bbox": near,
                    "score": rng.choice([round(rng.random(), 3), 0.5, 0.9]),  # many ties
                }
            )
    for _ in range(noise):
        box = [rng.randint(0, 300), rng.randint(0, 300), rng.randint(1, 200), rng.randint(1, 200)]
        score = round(rng.random(), 3)
        results.append(
            {"image_id": rng.choice(images), "category_id": rng.choice(categories), "bbox": box, "score": score}
        )
    rng.shuffle(results)
    return {
        "images": images,
        "categories": categories,
        "annotations": [[a[k] for k in ("image_id", "category_id", "bbox", "area", "iscrowd")] for a in annotations],
        "detections": [[r[k] for k in ("image_id", "category_id", "bbox", "score")] for r in results],
        "metrics": evaluate(images, categories, annotations, results),
    }


sizes = [(0, 0), (0, 5), (5, 0)] + [(rng.randint(1, 20), rng.choice([0, 3, 10])) for _ in range(25)] + [(8, 250)]
cases = [case(*size) for size in sizes]
path = pathlib.Path(__file__).with_suffix(".jsonl")
path.write_text("".join(json.dumps(c, separators=(",", ":")) + "\n" for c in cases))
