"""Makes a folder of onnx's own tests of the operators that docs/operators.md lists, for bench/exports.ts.

    python bench/exports-nodes.py FOLDER [PATTERN]

Each test is a file NAME.onnx and, if it has several inputs, NAME.constants.onnx, where all inputs but the first are constants.
NAME.json has the inputs and what onnx wants for them. It needs PyPI's `onnx`.
"""

import json
import re
import sys
import warnings
from pathlib import Path

import numpy as np
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases


def claimed() -> set[str]:
    """Operators of the table of docs/operators.md, and those that are computed on constants."""
    text = (Path(__file__).parent.parent / "docs/operators.md").read_text().split("## TFLite")[0]
    return set(re.findall(r"^\| `(\w+)` \|", text, re.M)) | set(re.findall(r"`(\w+)`", text.split("Only on constants")[1]))


def described(names: list[str], arrays: list[np.ndarray]) -> list[dict]:
    """The tensors of a test, in order."""
    tensors = []
    for name, array in zip(names, map(np.asarray, arrays), strict=True):
        if array.dtype.kind not in "fiub":
            raise TypeError(f"tensors of {array.dtype}")
        data = [repr(float(v)) for v in array.astype(np.float64).flatten()]
        tensors.append({"name": name, "shape": list(array.shape), "data": data})
    return tensors


def main() -> None:
    warnings.filterwarnings("ignore")
    out = Path(sys.argv[1])
    pattern = re.compile(sys.argv[2] if len(sys.argv) > 2 else ".")
    out.mkdir(parents=True, exist_ok=True)
    operators = claimed()
    for case in collect_testcases(""):
        name = case.name.removeprefix("test_")
        model = case.model
        if not pattern.search(name) or any(node.op_type not in operators or node.domain for node in model.graph.node):
            continue
        given, wanted = case.data_sets[0]
        inputs = [value.name for value in model.graph.input]
        try:
            test = {
                "inputs": described(inputs, given),
                "outputs": described([value.name for value in model.graph.output], wanted),
            }
        except (TypeError, ValueError) as error:
            print(name, error)
            continue
        # Operators mean in opset 22 what they mean in later ones, but for those that are new there.
        for opset in model.opset_import:
            opset.version = min(opset.version, 22)
        (out / f"{name}.json").write_text(json.dumps(test))
        (out / f"{name}.onnx").write_bytes(model.SerializeToString())
        if len(inputs) > 1:
            for value, array in zip(inputs[1:], given[1:], strict=True):
                model.graph.initializer.append(numpy_helper.from_array(np.asarray(array), value))
            del model.graph.input[1:]
            (out / f"{name}.constants.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
