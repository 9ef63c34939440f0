import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from filigree_training.__main__ import main
from filigree_training.plot import svg


def test_a_line_for_each_student(tmp_path: Path) -> None:
    log: list[dict[str, Any]] = [
        {"name": name, "seconds": seconds, "aside": [50 + seconds / 10, 70], "aside int8": [45 + seconds / 10, 65]}
        for name in ("one", "two")
        for seconds in (10, 20, 30)
    ]
    log.append({"name": "three", "seconds": 30, "aside losses": {"classes": 1, "same class": 0.6}})
    (tmp_path / "log.jsonl").write_text("\n".join(json.dumps(entry) for entry in log) + "\n")
    main(["plot", str(tmp_path / "log.jsonl"), "--out", str(tmp_path / "log.svg")])
    root = ElementTree.parse(tmp_path / "log.svg").getroot()
    lines = [e.attrib["points"].split() for e in root.iter("{http://www.w3.org/2000/svg}polyline")]
    assert [len(line) for line in lines] == [3, 3, 3, 3, 1]
    heights = [float(p.split(",")[1]) for p in lines[0]]
    assert heights[0] > heights[1] > heights[2]


def test_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="no checks"):
        svg({})
