"""The type of NumPy's arrays, of any element."""

from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]
