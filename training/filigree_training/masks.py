"""Mask files, as `filigree prune --masks-out` writes and `--masks` reads them: safetensors, a U8 tensor of 0 and 1 for each layer."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import torch

from .network import Network

FORMAT = "filigree-mask"


def write_masks(path: str, network: Network, mask: torch.Tensor, facts: dict[str, str]) -> None:
    """@param mask: flat; layers without a zero are left out, as Filigree does with layers that it did not prune"""
    header: dict[str, object] = {"__metadata__": {"format": FORMAT, **facts}}
    parts, offset = [], 0
    for c in network.convs.values():
        values = mask[c.weights_place].to(torch.uint8).cpu()
        if bool(values.all()):
            continue
        header[c.name] = {"dtype": "U8", "shape": list(c.shape), "data_offsets": [offset, offset + c.count]}
        parts.append(values.numpy().tobytes())
        offset += c.count
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with Path(path).open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def read_masks(path: str, network: Network) -> torch.Tensor:
    """A flat mask; 1 where the file has no layer. @raises ValueError naming the file and what fits no layer"""
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    by_name = {c.name: c for c in network.convs.values()}
    mask = torch.ones(network.weights)
    for name, entry in header.items():
        if name not in by_name:
            raise ValueError(f'{path}: mask "{name}" is no layer of the network')
        begin, end = (8 + length + n for n in entry["data_offsets"])
        values = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.uint8)
        place = by_name[name].weights_place
        if entry["dtype"] not in ("U8", "BOOL") or values.numel() != by_name[name].count or int(values.max()) > 1:
            raise ValueError(f'{path}: mask "{name}" must be U8 of 0 and 1 and of shape {list(by_name[name].shape)}')
        mask[place] = values.float()
    return mask
