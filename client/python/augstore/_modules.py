"""Layers out of a PyTorch module. Only what a server can run as data: Linear layers with ReLU between them."""

from __future__ import annotations

from typing import List

import numpy as np
import torch
from torch import nn

from . import errors
from ._weights import Layer, apply_layers, to_floats

_REMEDY = "a transform is a torch.nn.Sequential (nested, if you like) of Linear, ReLU and Identity"


def layers_of_module(module: nn.Module, residual: bool = False) -> List[Layer]:
    """The layers of ``module``. With ``residual`` the last one adds the module's input.

    Raises InvalidArgument, naming the part that is not a Linear or an activation and why, and when the layers do not give
    what the module gives (hooks, parametrisations).
    """
    layers: List[Layer] = []
    _collect(module, "the module", layers)
    if not layers:
        raise errors.InvalidArgument(f"the module has no Linear layer: {_REMEDY}")
    _compare(module, layers)
    if residual:
        layers[-1] = layers[-1]._replace(residual=True)
    return layers


def _collect(module: nn.Module, name: str, layers: List[Layer]) -> None:
    kind = type(module)
    if kind is nn.Sequential:
        for key, child in module.named_children():
            _collect(child, f"its part '{key}'", layers)
    elif kind is nn.Linear:
        weight = to_floats(module.weight)
        bias = np.zeros(weight.shape[0], np.float32) if module.bias is None else to_floats(module.bias)
        layers.append(Layer(weight, bias, "none", False))
    elif kind is nn.ReLU:
        if not layers:
            raise errors.InvalidArgument(f"{name} is a ReLU before any Linear layer: the engine has no such layer")
        layers[-1] = layers[-1]._replace(activation="relu")
    elif kind is not nn.Identity:
        raise errors.InvalidArgument(f"{name} is a {kind.__name__}, which {_reason(module)}: {_REMEDY}")


def _reason(module: nn.Module) -> str:
    if isinstance(module, (nn.Dropout, nn.AlphaDropout)):
        return "draws at random in training and does nothing afterwards: leave it out"
    if isinstance(module, (nn.BatchNorm1d, nn.LayerNorm)):
        return "normalises: fold it into the Linear layer beside it"
    if type(module).__module__.startswith("torch.nn.modules.activation"):
        return "is an activation that the engine does not have; it has ReLU"
    return "has a forward of its own, and code is never sent to a server"


def _compare(module: nn.Module, layers: List[Layer]) -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(8, layers[0].dim_in, generator=generator)
    first = next(module.parameters())
    with torch.no_grad():
        try:
            expected = to_floats(module(x.to(first)))
        except RuntimeError as error:
            raise errors.InvalidArgument(f"the module fails on a batch of 8 x {layers[0].dim_in}: {error}") from error
    got = apply_layers(layers, x.numpy())
    scale = max(1.0, float(np.abs(expected).max()))
    tolerance = 1e-4 if first.dtype in (torch.float32, torch.float64) else 2e-2
    if expected.shape != got.shape or float(np.abs(expected - got).max()) > tolerance * scale:
        raise errors.InvalidArgument(
            "the module gives something else than its layers do (a hook or a parametrisation changes them): remove it first"
        )
