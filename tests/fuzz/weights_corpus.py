#!/usr/bin/python3
"""Writes the inputs of tests/fuzz/corpus/weights that have names: valid weights of each kind, and each with one thing wrong, so
that every error of the parsers is met. Run it after a change of what weights may be; it replaces only the files that it names."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "corpus/weights"
Tensors = dict[str, list[int]]  # name -> shape

STACK: Tensors = {"0.weight": [3, 2], "0.bias": [3], "1.weight": [2, 3], "1.bias": [2]}
MAPS: Tensors = {"0.weight": [2, 2], "basis.0.weight": [2, 2], "basis.0.bias": [2]}
OPS = {"augstore.ops": "hflip", "augstore.slots": "2"}
MIX: Tensors = {"0.weight": [2, 6], "cell_mix": [4, 4]}
CONV: Tensors = {"0.weight": [2, 3], "cell_mix": [4, 4], "conv.1.weight": [1, 1, 3, 3], "conv.1.bias": [1]}
STEP = {"source": 0, "stride": 1, "activation": "relu"}


def front(convs: list[dict[str, object]], feature_map: tuple[int, ...] = (2, 2, 1), out: tuple[int, ...] = (2, 2)) -> dict[str, str]:
    plan = {"feature_map": feature_map, "out": out, "convs": convs}
    return {"augstore.spatial_front": json.dumps(plan)}


def write(name: str, tensors: Tensors, metadata: dict[str, str] | None = None, dtype: str = "F32", odd: float | None = None) -> None:
    """A safetensors file of ones, the last number of which is `odd`, if given."""
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    at = 0
    for tensor, shape in tensors.items():
        size = math.prod(shape) * (4 if dtype == "F32" else 2)
        header[tensor] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = struct.pack("<f", 1) * (at // 4)
    if odd is not None:
        data = data[:-4] + struct.pack("<f", odd)
    (FOLDER / name).write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_stacks() -> None:
    write("two_layers", STACK, {"augstore.layers": "relu,none+residual"})
    write("unlinked", STACK | {"1.weight": [2, 2]})
    write("residual_of_another_size", {"0.weight": [3, 2]}, {"augstore.layers": "none+residual"})
    write("unknown_layer", STACK, {"augstore.layers": "relu,tanh"})
    write("forms_of_more_layers", STACK, {"augstore.layers": "relu,none,none"})
    write("no_layer", STACK | {"2.gain": [1]})
    write("no_tensor", {})
    write("half_floats", {"0.weight": [2, 2]}, dtype="F16")
    write("bias_alone", {"0.bias": [2]})
    write("bias_of_another_size", {"0.weight": [2, 2], "0.bias": [3]})
    write("three_dimensions", {"0.weight": [2, 2, 1]})
    write("too_many_columns", {"0.weight": [0, 70000]})
    write("infinite_bias", STACK, odd=math.inf)
    write("infinite_weight", {"0.weight": [2, 2]}, odd=math.nan)
    write("returns_less", {"0.weight": [1, 2]})


def write_conditionals() -> None:
    write("map_of_another_size", MAPS | {"basis.0.weight": [3, 2], "basis.0.bias": [3]}, OPS)
    write("infinite_map", MAPS, OPS, odd=math.inf)
    write("no_slots", MAPS, {"augstore.ops": "hflip"})
    write("slots_that_are_no_number", MAPS, OPS | {"augstore.slots": "2x"})
    write("slots_without_maps", {"0.weight": [2, 2]}, {"augstore.slots": "2"})
    write("error_bank", {"0.weight": [2, 2], "error_bank": [3, 2]})
    write("error_bank_of_another_width", {"0.weight": [2, 2], "error_bank": [3, 1]})
    write("error_bank_of_one_dimension", {"0.weight": [2, 2], "error_bank": [2]})
    write("infinite_error", {"0.weight": [2, 2], "error_bank": [3, 2]}, odd=-math.inf)


def write_fronts() -> None:
    step: dict[str, object] = dict(STEP)
    write("front_and_convolution", CONV, front([step]))
    write("front_and_maps", MIX | {"basis.0.weight": [2, 2]}, OPS | front([]))
    write("front_and_layers_of_another_size", MIX | {"0.weight": [2, 5]}, front([]))
    write("front_that_is_no_plan", MIX, {"augstore.spatial_front": "[]"})
    write("front_without_mix", {"0.weight": [2, 6]}, front([]))
    write("no_cells", MIX, front([], (2, 2, 1), (0, 2)))
    write("no_channels", MIX, front([], (2, 2, 0)))
    write("mix_of_another_size", MIX | {"cell_mix": [4, 3]}, front([]))
    write("mix_of_other_rows", MIX | {"cell_mix": [3, 4]}, front([]))
    write("mix_of_no_rows", MIX | {"cell_mix": [0, 4]}, front([]))
    write("infinite_mix", {"0.weight": [2, 6], "cell_mix": [4, 4]}, front([]), odd=math.inf)
    write("too_many_features", {"0.weight": [1, 1], "cell_mix": [2, 1]}, front([], (1, 1, 65536), (2, 1)))
    write("convolution_of_nothing", CONV, front([step | {"source": 1}]))
    write("convolution_that_adds_nothing", CONV, front([step | {"add": 1}]))
    write("convolution_with_steps_of_3", CONV, front([step | {"stride": 3}]))
    write("convolution_with_tanh", CONV, front([step | {"activation": "tanh"}]))
    write("even_kernel", CONV | {"conv.1.weight": [1, 1, 2, 2]}, front([step]))
    write("kernel_that_is_not_square", CONV | {"conv.1.weight": [1, 1, 3, 1]}, front([step]))
    write("convolution_of_other_channels", CONV | {"conv.1.weight": [1, 2, 1, 1]}, front([step]))
    write("sum_of_other_sizes", CONV | {"conv.1.weight": [2, 1, 1, 1], "conv.1.bias": [2]}, front([step | {"add": 0}]))
    write("convolution_bias_of_another_size", CONV | {"conv.1.bias": [2]}, front([step]))
    write("convolution_bias_of_two_dimensions", CONV | {"conv.1.bias": [1, 1]}, front([step]))
    write("infinite_convolution", CONV, front([step]), odd=math.inf)


if __name__ == "__main__":
    write_stacks()
    write_conditionals()
    write_fronts()
