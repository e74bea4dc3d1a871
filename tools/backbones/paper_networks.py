#!/usr/bin/env python3
"""Writes the networks of the paper's experiments as backbone files for augstore, to measure what they cost.

VGG-16 (512 dimensions, 224 x 224), ResNet-18 (512, 224 x 224, or 32 x 32 with --small) and Inception-v3 (2,048, 299 x 299), built
here in plain PyTorch, each without its classifier and with random weights, unless --weights names a file of a state dictionary.
What a network costs does not depend on its weights; what its embeddings are worth does.

  python3 tools/backbones/paper_networks.py resnet18 --out resnet18.pt
  augstore bench paper --quick --backbone resnet18.pt    # the measured saving beside the paper's Eq. 8

Needs torch (Debian: python3-torch).
"""

from __future__ import annotations

import argparse
import json
from typing import Any, Callable, Dict, List, Tuple, Union

import torch
from torch import nn

# As these networks are usually trained.
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
# Convolutions of VGG-16, "M" for pooling (Simonyan and Zisserman, 2015, table 1, column D).
VGG16: List[Union[int, str]] = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"]


def vgg16(small: bool) -> nn.Module:
    """The convolutions, and the mean over space in place of the layers behind them."""
    layers: List[nn.Module] = []
    channels = 3
    for width in VGG16:
        if isinstance(width, str):
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions (He et al., 2016, table 1)."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(into, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        same = stride == 1 and into == out
        self.downsample = nn.Identity() if same else nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.downsample(x))


def resnet18(small: bool) -> nn.Module:
    """For small images the first convolution is 3 x 3 and keeps their size, as is usual for CIFAR."""
    stem: List[nn.Module] = [nn.Conv2d(3, 64, 3, 1, 1, bias=False) if small else nn.Conv2d(3, 64, 7, 2, 3, bias=False)]
    stem += [nn.BatchNorm2d(64), nn.ReLU()] + ([] if small else [nn.MaxPool2d(3, 2, 1)])
    blocks: List[nn.Module] = []
    into = 64
    for stage, width in enumerate((64, 128, 256, 512)):
        for block in range(2):
            blocks.append(ResidualBlock(into, width, 2 if stage > 0 and block == 0 else 1))
            into = width
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())


Size = Union[int, Tuple[int, int]]


class Conv(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, into: int, out: int, kernel: Size, stride: int = 1, padding: Size = 0) -> None:
        super().__init__(nn.Conv2d(into, out, kernel, stride, padding, bias=False), nn.BatchNorm2d(out, eps=1e-3), nn.ReLU())


class Branches(nn.Module):
    """Branches side by side, whose channels are put together."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


def pooled(into: int, out: int) -> nn.Module:
    return nn.Sequential(nn.AvgPool2d(3, 1, 1), Conv(into, out, 1))


def inception_a(into: int, out: int) -> nn.Module:
    return Branches(
        Conv(into, 64, 1),
        nn.Sequential(Conv(into, 48, 1), Conv(48, 64, 5, padding=2)),
        nn.Sequential(Conv(into, 64, 1), Conv(64, 96, 3, padding=1), Conv(96, 96, 3, padding=1)),
        pooled(into, out),
    )


def inception_c(wide: int) -> nn.Module:
    """7 x 7 convolutions as 1 x 7 and 7 x 1, on 768 channels."""
    across, down = {"kernel": (1, 7), "padding": (0, 3)}, {"kernel": (7, 1), "padding": (3, 0)}

    def chain(widths: List[int], shapes: List[Dict[str, Any]]) -> nn.Module:
        steps = [Conv(a, b, **shape) for a, b, shape in zip(widths, widths[1:], shapes)]
        return nn.Sequential(Conv(768, widths[0], 1), *steps)

    return Branches(
        Conv(768, 192, 1),
        chain([wide, wide, 192], [across, down]),
        chain([wide, wide, wide, wide, 192], [down, across, down, across]),
        pooled(768, 192),
    )


def inception_e(into: int) -> nn.Module:
    def split() -> nn.Module:
        return Branches(Conv(384, 384, (1, 3), padding=(0, 1)), Conv(384, 384, (3, 1), padding=(1, 0)))

    return Branches(
        Conv(into, 320, 1),
        nn.Sequential(Conv(into, 384, 1), split()),
        nn.Sequential(Conv(into, 448, 1), Conv(448, 384, 3, padding=1), split()),
        pooled(into, 192),
    )


def inception_v3(small: bool) -> nn.Module:
    """Szegedy et al., "Rethinking the Inception Architecture", 2016, table 1, as it is usually built."""
    stem = [Conv(3, 32, 3, 2), Conv(32, 32, 3), Conv(32, 64, 3, padding=1), nn.MaxPool2d(3, 2)]
    stem += [Conv(64, 80, 1), Conv(80, 192, 3), nn.MaxPool2d(3, 2)]
    first = [inception_a(192, 32), inception_a(256, 64), inception_a(288, 64)]
    reduce_b = Branches(
        Conv(288, 384, 3, 2),
        nn.Sequential(Conv(288, 64, 1), Conv(64, 96, 3, padding=1), Conv(96, 96, 3, 2)),
        nn.MaxPool2d(3, 2),
    )
    second = [inception_c(wide) for wide in (128, 160, 160, 192)]
    reduce_d = Branches(
        nn.Sequential(Conv(768, 192, 1), Conv(192, 320, 3, 2)),
        nn.Sequential(Conv(768, 192, 1), Conv(192, 192, (1, 7), padding=(0, 3)), Conv(192, 192, (7, 1), padding=(3, 0)), Conv(192, 192, 3, 2)),
        nn.MaxPool2d(3, 2),
    )
    last = [inception_e(1280), inception_e(2048)]
    return nn.Sequential(*stem, *first, reduce_b, *second, reduce_d, *last, nn.AdaptiveAvgPool2d(1), nn.Flatten())


NETWORKS: Dict[str, Tuple[Callable[[bool], nn.Module], int, int]] = {  # how it is built, side of its images, dimensions
    "vgg16": (vgg16, 224, 512),
    "resnet18": (resnet18, 224, 512),
    "inception_v3": (inception_v3, 299, 2048),
}


def export(model: nn.Module, side: int, dim: int, path: str) -> None:
    """Writes the file, after checking what it returns for a batch of another size."""
    metadata = {"input_height": side, "input_width": side, "mean": MEAN, "std": STD}
    with torch.no_grad():
        traced = torch.jit.freeze(torch.jit.trace(model, torch.rand(1, 3, side, side)))
        shape = tuple(traced(torch.rand(2, 3, side, side)).shape)
    if shape != (2, dim):
        raise SystemExit(f"the network returns {shape} for two images, not (2, {dim})")
    torch.jit.save(traced, path, _extra_files={"augstore.json": json.dumps(metadata)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=sorted(NETWORKS))
    parser.add_argument("--out", required=True, metavar="FILE.pt", help="where the backbone file is written")
    parser.add_argument("--weights", metavar="FILE", help="state dictionary of the network that is built here (default: random weights)")
    parser.add_argument("--small", action="store_true", help="resnet18 for images of 32 x 32 pixels")
    parser.add_argument("--seed", type=int, default=0, help="of random weights")
    flags = parser.parse_args()
    if flags.small and flags.network != "resnet18":
        parser.error(f"--small is for resnet18: {flags.network} makes nothing of 32 x 32 pixels")
    build, side, dim = NETWORKS[flags.network]
    torch.manual_seed(flags.seed)
    model = build(flags.small).eval()
    if flags.weights:
        model.load_state_dict(torch.load(flags.weights, map_location="cpu"))
    side = 32 if flags.small else side
    export(model, side, dim, flags.out)
    count = sum(parameter.numel() for parameter in model.parameters())
    print(f"{flags.out}: {flags.network}, {side}x{side} to {dim}, {count / 1e6:.1f} M parameters, torch {torch.__version__}")


if __name__ == "__main__":
    main()
