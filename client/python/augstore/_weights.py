"""Weights as data: stacks of layers and the safetensors files that hold them (schemas/weights/layers.h)."""

from __future__ import annotations

import json
import os
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple, Union

import numpy as np
import numpy.typing as npt

from . import _limits, errors

Floats = npt.NDArray[np.float32]
_FORMS_KEY = "augstore.layers"


class Layer(NamedTuple):
    """y = activation(weight x + bias [+ the stack's input]); weight [out, in], or [out] of a diagonal layer; float32."""

    weight: Floats
    bias: Floats
    activation: str  # "none" or "relu"
    residual: bool

    @property
    def diagonal(self) -> bool:
        return self.weight.ndim == 1

    @property
    def dim_in(self) -> int:
        return int(self.weight.shape[-1])

    @property
    def dim_out(self) -> int:
        return int(self.weight.shape[0])


class Weights(NamedTuple):
    """All of a transform's weights: its layers, and what a conditional transform and a drawn error add."""

    layers: List[Layer]
    extra: Dict[str, Floats]  # "basis.<p>.weight", "basis.<p>.bias", "error_bank"
    metadata: Dict[str, str]  # of a conditional transform "augstore.ops" and "augstore.slots"; "augstore.normalised"

    def shapes(self) -> List[Dict[str, Any]]:
        """The records of the layers' shapes."""
        return [
            {
                "in": layer.dim_in,
                "out": layer.dim_out,
                "activation": int(layer.activation == "relu"),
                "residual": layer.residual,
                "kind": int(layer.diagonal),
            }
            for layer in self.layers
        ]

    def to_safetensors(self) -> bytes:
        """Canonical: the same bytes as the C++ side writes for these weights."""
        tensors: Dict[str, Floats] = {}
        for i, layer in enumerate(self.layers):
            tensors[f"{i}.weight"] = layer.weight
            tensors[f"{i}.bias"] = layer.bias
        tensors.update(self.extra)
        forms = ",".join(layer.activation + ("+residual" if layer.residual else "") for layer in self.layers)
        return write_safetensors({**self.metadata, _FORMS_KEY: forms}, tensors)


def apply_layers(layers: List[Layer], x: Floats) -> Floats:
    """Runs the stack on ``x``, n x dim float32. For checks: the server's engine is what serves."""
    out = x
    for layer in layers:
        y = out * layer.weight if layer.diagonal else out @ layer.weight.T
        y = y + layer.bias
        if layer.residual:
            y = y + x
        out = np.maximum(y, 0) if layer.activation == "relu" else y
    return np.asarray(out, np.float32)


def check_layers(layers: List[Layer]) -> None:
    """Raises InvalidArgument, naming layer and value, unless the stack fits together and maps d to d."""
    if not 1 <= len(layers) <= _limits.MAX_LAYERS:
        raise errors.InvalidArgument(f"a transform has 1 to {_limits.MAX_LAYERS} layers, not {len(layers)}")
    dim = layers[0].dim_in
    width = dim
    for i, layer in enumerate(layers):
        if layer.dim_in != width:
            raise errors.InvalidArgument(f"layer {i} takes {layer.dim_in} values where {width} come: fit them together")
        if layer.bias.shape != (layer.dim_out,):
            raise errors.InvalidArgument(f"layer {i} has a bias of shape {layer.bias.shape}, not ({layer.dim_out},)")
        if max(layer.dim_in, layer.dim_out) > _limits.MAX_DIM:
            raise errors.InvalidArgument(f"layer {i} is wider than the limit of {_limits.MAX_DIM}")
        if not (np.isfinite(layer.weight).all() and np.isfinite(layer.bias).all()):
            raise errors.InvalidArgument(f"layer {i} has a weight that is not finite: train it again")
        if layer.residual and layer.dim_out != dim:
            raise errors.InvalidArgument(f"layer {i} gives {layer.dim_out} values and cannot add the input of {dim}")
        width = layer.dim_out
    if width != dim:
        raise errors.InvalidArgument(f"a transform gives as many values as it takes: this one takes {dim}, gives {width}")


def layers_of_state(state: Mapping[str, Any], residual: bool = False) -> List[Layer]:
    """Layers of a state_dict whose keys are "<i>.weight" and "<i>.bias"; ReLU in all but the last."""
    groups: Dict[int, Dict[str, Floats]] = {}
    for key, value in state.items():
        found = re.fullmatch(r"(\d{1,4})\.(weight|bias)", key)
        if found is None:
            raise errors.InvalidArgument(
                f"the key '{key}' is no \"<i>.weight\" or \"<i>.bias\" as torch.nn.Sequential names them: give the "
                "Sequential itself, or rename its keys"
            )
        groups.setdefault(int(found[1]), {})[found[2]] = to_floats(value)
    layers = []
    for place, (number, tensors) in enumerate(sorted(groups.items())):
        weight = tensors.get("weight")
        if weight is None or weight.ndim not in (1, 2) or weight.size == 0:
            raise errors.InvalidArgument(f"layer {number} has no weight of one or two dimensions: is it a Linear layer?")
        bias = tensors.get("bias", np.zeros(weight.shape[0], np.float32))
        last = place + 1 == len(groups)
        layers.append(Layer(weight, bias, "none" if last else "relu", residual and last))
    return layers


def to_floats(value: Any) -> Floats:
    """A tensor or an array as contiguous float32."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy()
    return np.array(value, np.float32, order="C")


def read_weights(path: Union[str, "os.PathLike[str]"]) -> Weights:
    """Reads a safetensors file of a transform. Raises InvalidArgument, NotFound."""
    try:
        size = os.stat(path).st_size
        if size > _limits.MAX_WEIGHTS_BYTES:
            raise errors.InvalidArgument(f"'{path}' has {size} bytes: the limit is {_limits.MAX_WEIGHTS_BYTES}")
        with open(path, "rb") as file:
            data = file.read(_limits.MAX_WEIGHTS_BYTES)
    except OSError as error:
        raise errors.NotFound(f"'{path}' cannot be read: {error.strerror}") from error
    metadata, tensors = parse_safetensors(data)
    extra = {name: value for name, value in tensors.items() if name.startswith("basis.") or name == "error_bank"}
    layers = layers_of_state({name: value for name, value in tensors.items() if name not in extra})
    forms = metadata.pop(_FORMS_KEY, None)
    return Weights(layers if forms is None else _with_forms(layers, forms), dict(sorted(extra.items(), key=_order)), metadata)


def _order(item: Tuple[str, Floats]) -> Tuple[bool, int, bool]:
    name = item[0]
    parts = name.split(".")
    number = int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else -1
    return name == "error_bank", number, name.endswith("bias")


def _with_forms(layers: List[Layer], forms: str) -> List[Layer]:
    texts = forms.split(",")
    if len(texts) != len(layers):
        raise errors.InvalidArgument(f"metadata '{_FORMS_KEY}' is '{forms}' for {len(layers)} layers")
    out = []
    for layer, text in zip(layers, texts):
        activation, _, residual = text.partition("+")
        if activation not in ("none", "relu") or residual not in ("", "residual"):
            raise errors.InvalidArgument(f"metadata '{_FORMS_KEY}' has '{text}': write none or relu, then +residual or nothing")
        out.append(layer._replace(activation=activation, residual=residual == "residual"))
    return out


def write_safetensors(metadata: Dict[str, str], tensors: Dict[str, Floats]) -> bytes:
    """A safetensors file of float32 tensors, in the order given."""
    header: Dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    at = 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + tensor.nbytes]}
        at += tensor.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *(np.ascontiguousarray(t, "<f4").tobytes() for t in tensors.values())])


def parse_safetensors(data: bytes) -> Tuple[Dict[str, str], Dict[str, Floats]]:
    """Metadata and float32 tensors. Every length is checked before it is used. Raises InvalidArgument."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, _limits.MAX_SAFETENSORS_HEADER_BYTES):
        raise errors.InvalidArgument(f"{len(data)} bytes are no safetensors file: give the whole file")
    try:
        header = json.loads(data[8 : 8 + length].decode())
    except (ValueError, RecursionError) as error:
        raise errors.InvalidArgument(f"the safetensors header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise errors.InvalidArgument("the safetensors header is no JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise errors.InvalidArgument("the safetensors metadata is no object of texts")
    tensors = {name: _tensor(name, value, data, 8 + length) for name, value in header.items()}
    return metadata, tensors


def _tensor(name: str, value: Any, data: bytes, start: int) -> Floats:
    value = value if isinstance(value, dict) else {}
    shape, offsets = value.get("shape"), value.get("data_offsets")
    if not _unsigned(shape) or not _unsigned(offsets) or len(offsets) != 2:
        raise errors.InvalidArgument(f"tensor '{name:.200}' has no shape and data_offsets of non-negative integers")
    if value.get("dtype") != "F32":
        raise errors.InvalidArgument(f"tensor '{name:.200}' is {value.get('dtype')!r:.50}: give F32")
    begin, end = offsets
    count = 1
    for size in shape:
        count *= size
    if begin > end or start + end > len(data) or end - begin != 4 * count or len(shape) > 2:
        raise errors.InvalidArgument(f"tensor '{name:.200}' of shape {shape!r:.100} does not fit its data_offsets {offsets}")
    return np.frombuffer(data, "<f4", count, start + begin).reshape(shape)


def _unsigned(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int and number >= 0 for number in value)
