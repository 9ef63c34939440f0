"""Average precision of cases that can be counted by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from filigree_training.evaluate import agreement_truth, average_precision, coco_truth, merged

TRUTH = [np.array([[0, 0, 10, 10, 0, 0], [20, 20, 40, 40, 0, 1]], float)]


def found(*rows: list[float]) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    return [np.array(rows, float).reshape(-1, 6)]


def test_perfect_and_nothing() -> None:
    assert average_precision(found([0, 0, 10, 10, 0.9, 0], [20, 20, 40, 40, 0.8, 1]), TRUTH) == (100, 100)
    assert average_precision(found(), TRUTH) == (0, 0)
    assert average_precision(found([0, 0, 10, 10, 0.9, 0]), [np.zeros((0, 6))]) == (0, 0)


def test_one_class_of_two() -> None:
    assert average_precision(found([0, 0, 10, 10, 0.9, 0]), TRUTH) == (50, 50)


def test_thresholds() -> None:
    """Overlap 0.82 counts at 0.5, …, 0.8: seven of ten."""
    ap, ap50 = average_precision(found([0, 0, 10, 8.2, 0.9, 0], [20, 20, 40, 40, 0.8, 1]), TRUTH)
    assert ap == pytest.approx(85)
    assert ap50 == 100


def test_a_wrong_box_before_the_right_one() -> None:
    ap, _ = average_precision(found([50, 50, 60, 60, 0.95, 0], [0, 0, 10, 10, 0.9, 0], [20, 20, 40, 40, 0.8, 1]), TRUTH)
    assert ap == pytest.approx(75)


def test_crowds_neither_help_nor_hurt() -> None:
    crowded = [np.concatenate([TRUTH[0], [[60, 60, 100, 100, 1, 0]]])]
    boxes = found([70, 70, 80, 80, 0.95, 0], [0, 0, 10, 10, 0.9, 0], [20, 20, 40, 40, 0.8, 1])
    assert average_precision(boxes, crowded) == (100, 100)


def test_merging_is_by_class() -> None:
    boxes = found([0, 0, 10, 10, 0.9, 0], [0, 0, 10, 9, 0.8, 0], [0, 0, 10, 9, 0.7, 1], [0, 0, 10, 9, 0.001, 2])[0]
    assert merged(boxes)[:, 4].tolist() == [0.9, 0.7]
    assert agreement_truth([boxes], 0.75)[0][:, 5].tolist() == [0, 0]


@pytest.mark.parametrize("fit", ["stretch", "letterbox"])
def test_truth_of_a_file(fit: str, tmp_path: Path) -> None:
    data = {
        "images": [{"id": 7, "file_name": "seven.jpg", "width": 200, "height": 100}],
        "categories": [{"id": 1}, {"id": 5}],
        "annotations": [{"image_id": 7, "category_id": 5, "bbox": [20, 10, 40, 50]}],
    }
    (tmp_path / "instances.json").write_text(json.dumps(data))
    (truth,) = coco_truth(tmp_path / "instances.json", ["val-seven"], 50, fit)
    assert truth.tolist() == [[5, 5, 15, 30, 0, 1] if fit == "stretch" else [5, 2.5, 15, 15, 0, 1]]
