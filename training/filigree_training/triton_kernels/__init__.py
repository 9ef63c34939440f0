"""Triton kernels for what PyTorch does slowly at these shapes. Everything has a plain form in ../kernels.py, used without a GPU and as
the reference in tests/test_kernels.py (TRITON_INTERPRET=1 on a machine without a GPU). PLAIN=1 turns them off.
"""

from .errors import SquaredError
from .normalise import ACTIVATIONS, NormActivation, bias_activation
from .quantise import Quantise
from .tiles import usable
from .warp import warp

__all__ = ["ACTIVATIONS", "NormActivation", "Quantise", "SquaredError", "bias_activation", "usable", "warp"]
