"""Transforms out of PyTorch modules, and backbones as files."""

from __future__ import annotations

import json
import os
import subprocess

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")

import augstore  # noqa: E402
from conftest import DIM  # noqa: E402
from torch import nn  # noqa: E402


def test_a_sequential_is_registered_and_computes_what_it_computes_in_torch(client, rows):
    torch.manual_seed(1)
    inner = nn.Sequential(nn.Linear(DIM, 40), nn.ReLU(), nn.Identity())
    module = nn.Sequential(inner, nn.Linear(40, DIM, bias=False))
    made = client.register_transform("mlp", module, op="hflip")
    assert made.layers == [(DIM, 40, "relu"), (40, DIM, "none")] and made.op == "hflip"
    with torch.no_grad():
        expected = module(torch.from_numpy(rows[0][:100]))
    np.testing.assert_allclose(client.get("toy", range(100), "mlp@1"), expected, rtol=1e-4, atol=1e-5)
    residual = client.register_transform("res", module.double(), residual=True)
    np.testing.assert_allclose(client.get("toy", range(100), "res@1"), expected + rows[0][:100], rtol=1e-4, atol=1e-5)
    assert residual.layers[-1][2] == "none+residual"


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(DIM, DIM)

    def forward(self, x):
        return self.net(x) * 2


def hooked():
    module = nn.Linear(DIM, DIM)
    module.register_forward_hook(lambda _m, _i, output: output * 2)
    return module


@pytest.mark.parametrize(
    "module, reason",
    [
        (Own(), "the module is a Own, which has a forward of its own, and code is never sent"),
        (nn.Sequential(nn.Linear(DIM, DIM), Own()), "its part '1' is a Own"),
        (nn.Sequential(nn.Linear(DIM, DIM), nn.GELU()), "its part '1' is a GELU, which is an activation that the engine does not"),
        (nn.Sequential(nn.Linear(DIM, DIM), nn.Dropout()), "draws at random"),
        (nn.Sequential(nn.Linear(DIM, DIM), nn.BatchNorm1d(DIM)), "fold it into the Linear"),
        (nn.Sequential(nn.ReLU(), nn.Linear(DIM, DIM)), "a ReLU before any Linear"),
        (nn.Sequential(nn.Linear(DIM, 3)), "takes 24, gives 3"),
        (nn.Sequential(nn.Linear(DIM, 3), nn.Linear(4, DIM)), "fails on a batch"),
        (nn.Sequential(), "no Linear layer"),
        (hooked(), "a hook or a parametrisation"),
    ],
)
def test_a_module_that_cannot_be_data_is_refused_with_the_reason(client, module, reason):
    with pytest.raises(augstore.InvalidArgument, match=reason):
        client.register_transform("bad", module)


class Net(nn.Module):
    """A small residual network in the manner of torchvision's."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, stride=2)
        self.bn1 = nn.BatchNorm2d(8)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8, 1000)

    def forward(self, x):
        return self.fc(torch.flatten(self.avgpool(torch.relu(self.bn1(self.conv1(x)))), 1))


def load(path):
    extra = {"augstore.json": ""}
    return torch.jit.load(str(path), _extra_files=extra), json.loads(extra["augstore.json"])


def test_a_cut_model_gives_the_embedding_and_records_its_input(tmp_path):
    torch.manual_seed(2)
    model = Net().train()
    path = tmp_path / "net.pt"
    dim = augstore.export_backbone(model, torch.rand(2, 3, 32, 48), path, "avgpool", mean=[0.5, 0.4, 0.3], std=[0.2] * 3)
    assert dim == 8 and model.training
    phi, metadata = load(path)
    assert metadata == {"input_height": 32, "input_width": 48, "mean": [0.5, 0.4, 0.3], "std": [0.2] * 3}
    images = torch.rand(5, 3, 32, 48)
    model.eval()
    with torch.no_grad():
        expected = model.avgpool(torch.relu(model.bn1(model.conv1(images)))).flatten(1)
        assert torch.allclose(phi(images), expected, atol=1e-5)
    assert os.path.getsize(path) < 20_000  # the 1000 x 8 classifier behind the cut is not in it


def test_a_backbone_is_ingested_by_the_server_side(tmp_path):
    torch.manual_seed(2)
    augstore.export_backbone(Net(), torch.rand(1, 3, 32, 32), tmp_path / "net.pt", "avgpool")
    binary = os.environ["AUGSTORE_BINARY"]
    out = subprocess.run(
        [binary, "backbone", "add", "--backbone", str(tmp_path / "net.pt"), "--store", str(tmp_path / "db"), "--json"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert out.returncode == 0, out.stderr
    added = json.loads(out.stdout)
    assert (added["dim"], added["input_height"], added["input_width"]) == (8, 32, 32)


class Branching(nn.Module):
    def forward(self, x):
        pooled = x.mean(dim=(2, 3))
        if bool(pooled.sum() > 1e9):
            return pooled * 0
        return pooled if x.shape[0] == 2 else pooled + 1


def test_a_forward_with_branches_is_refused_as_a_trace_and_works_as_a_script(tmp_path):
    example = torch.rand(2, 3, 8, 8)
    with pytest.raises(augstore.InvalidArgument, match="give script=True"):
        augstore.export_backbone(Branching(), example, tmp_path / "b.pt")
    assert augstore.export_backbone(Branching(), example, tmp_path / "b.pt", script=True) == 3
    assert torch.allclose(load(tmp_path / "b.pt")[0](torch.zeros(1, 3, 8, 8)), torch.ones(1, 3))


@pytest.mark.parametrize(
    "arguments, options, reason",
    [
        ((torch.rand(3, 8, 8),), {}, "give n x 3 x h x w"),
        ((torch.rand(1, 3, 8, 8), "layer9"), {}, "no part 'layer9': it has conv1, bn1, avgpool, fc"),
        ((torch.rand(1, 3, 8, 8), "conv1"), {}, "part 'conv1' maps 1 images to"),
        ((torch.rand(1, 3, 8, 8), "avgpool"), {"script": True}, "exclude each other"),
        ((torch.rand(1, 3, 8, 8),), {"mean": [1]}, "mean is \\[1.0\\]: give three numbers"),
        ((torch.rand(1, 3, 8, 8),), {"std": [1, 0, 1]}, "above 0"),
    ],
)
def test_what_cannot_be_a_backbone_is_refused_with_the_reason(tmp_path, arguments, options, reason):
    example, *cut = arguments
    with pytest.raises(augstore.InvalidArgument, match=reason):
        augstore.export_backbone(Net(), example, tmp_path / "n.pt", *cut, **options)
    assert not (tmp_path / "n.pt").exists()
