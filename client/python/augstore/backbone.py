"""Backbones for ``augstore ingest``: a PyTorch model cut at its embedding, as a TorchScript file."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Optional, Sequence, Union

import torch
from torch import nn

from . import errors

_METADATA = "augstore.json"  # read by engine/backbone/torch_backbone.cc


def export_backbone(
    module: nn.Module,
    example: torch.Tensor,
    path: Union[str, "os.PathLike[str]"],
    cut: Optional[str] = None,
    *,
    mean: Optional[Sequence[float]] = None,
    std: Optional[Sequence[float]] = None,
    script: bool = False,
) -> int:
    """Writes Φ to ``path`` and gives its dimension d.

    ``example``: a batch of images, n x 3 x h x w float32, as Φ takes them after normalisation; its h and w are recorded. ``cut``:
    the name of the part whose output is the embedding, as in ``module.named_modules()`` (``"avgpool"``); None: the module's own
    output. n x d x 1 x 1 is flattened. ``mean``, ``std``: three numbers each, of channels in [0, 1]; augstore normalises with
    them; None: Φ takes [0, 1]. ``script``: torch.jit.script instead of trace, for a forward with branches; without ``cut``.

    The module is not changed. Raises InvalidArgument when the cut does not exist, the output is no n x d, or the file would
    give something else than the module does.
    """
    if example.dim() != 4 or example.shape[1] != 3 or example.shape[0] < 1:
        raise errors.InvalidArgument(f"example has the shape {tuple(example.shape)}: give n x 3 x h x w")
    constants = _normalisation(mean, std)
    if script and cut is not None:
        raise errors.InvalidArgument("script and cut exclude each other: a script has the whole forward; trace it instead")
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            embed = _Embedder(module, cut)
            expected = embed(example)
            if expected.dim() > 2 and all(size == 1 for size in expected.shape[2:]):
                embed.flatten = True
                expected = expected.flatten(1)
            _check_shape(expected, len(example), cut)
            scripted = torch.jit.freeze(_scripted(module, embed, example, script).eval())
            _check_same(scripted, embed, example)
    finally:
        module.train(training)
    metadata: Dict[str, Any] = {"input_height": example.shape[2], "input_width": example.shape[3], **constants}
    torch.jit.save(scripted, os.fspath(path), _extra_files={_METADATA: json.dumps(metadata)})
    return int(expected.shape[1])


class _Embedder(nn.Module):
    """The module up to ``cut``, as n x d. What the module does behind the cut is dropped when it is frozen."""

    def __init__(self, module: nn.Module, cut: Optional[str]) -> None:
        super().__init__()
        self.module = module
        parts = dict(module.named_modules())
        if cut is not None and (cut not in parts or cut == ""):
            known = ", ".join(name for name in parts if name and "." not in name)
            raise errors.InvalidArgument(f"the module has no part '{cut}': it has {known} (and parts of these)")
        self.part = None if cut is None else [parts[cut]]  # in a list: it is registered once, in `module`
        self.cut = cut
        self.flatten = False

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        output = self.output(images)
        return output.flatten(1) if self.flatten else output

    def output(self, images: torch.Tensor) -> torch.Tensor:
        if self.part is None:
            return _tensor(self.module(images))
        seen: List[Any] = []
        hook = self.part[0].register_forward_hook(lambda _module, _input, output: seen.append(output))
        try:
            self.module(images)
        finally:
            hook.remove()
        if len(seen) != 1:
            raise errors.InvalidArgument(f"part '{self.cut}' runs {len(seen)} times for one batch: cut where it runs once")
        return _tensor(seen[0])


def _tensor(output: Any) -> torch.Tensor:
    if isinstance(output, (tuple, list)) and output:
        output = output[0]
    if not isinstance(output, torch.Tensor):
        raise errors.InvalidArgument(f"the output is a {type(output).__name__}, not a tensor: cut at a part that gives one")
    return output


def _check_shape(output: torch.Tensor, images: int, cut: Optional[str]) -> None:
    if output.dim() == 2 and output.shape[0] == images:
        return
    where = "the module" if cut is None else f"part '{cut}'"
    raise errors.InvalidArgument(
        f"{where} maps {images} images to {tuple(output.shape)}, not to n x d: cut behind the pooling, such as cut='avgpool'"
    )


def _scripted(module: nn.Module, embed: _Embedder, example: torch.Tensor, script: bool) -> Any:
    try:
        if script or (isinstance(module, torch.jit.ScriptModule) and embed.part is None):
            return torch.jit.script(nn.Sequential(module, nn.Flatten(1)) if embed.flatten else module)
        return torch.jit.trace(embed, example, check_trace=False)
    except Exception as error:  # TorchScript raises many kinds
        way, other = ("scripted", "trace it (script=False)") if script else ("traced", "give script=True")
        first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise errors.InvalidArgument(f"the module cannot be {way}: {first_line}; {other}") from error


def _check_same(scripted: Any, embed: _Embedder, example: torch.Tensor) -> None:
    """Another batch, of another size: a trace that took the example's values for constants is found out."""
    generator = torch.Generator().manual_seed(1)
    images = torch.rand((len(example) + 1, *example.shape[1:]), generator=generator).to(example)
    expected = embed(images)
    problem = ""
    try:
        got = _tensor(scripted(images))
        if got.shape != expected.shape or not torch.allclose(got, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max())):
            problem = "other values"
    except RuntimeError as error:
        problem = str(error).strip().splitlines()[-1]
    if problem:
        raise errors.InvalidArgument(
            f"the traced module does not do what the module does on a batch of {len(images)} ({problem}): its forward depends on "
            "values or on the batch's size; give script=True"
        )


def _normalisation(mean: Optional[Sequence[float]], std: Optional[Sequence[float]]) -> Dict[str, List[float]]:
    constants: Dict[str, List[float]] = {}
    for name, values in (("mean", mean), ("std", std)):
        if values is None:
            continue
        numbers = [float(value) for value in values]
        if len(numbers) != 3 or (name == "std" and min(numbers) <= 0):
            raise errors.InvalidArgument(f"{name} is {numbers}: give three numbers{' above 0' if name == 'std' else ''}")
        constants[name] = numbers
    return constants
