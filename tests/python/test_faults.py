"""A stream over a network that goes wrong gives the same bytes all the same."""

from __future__ import annotations

import random

import pytest
from certificates import Certificates
from conftest import fill
from fault_proxy import Fault, FaultProxy
from served import Served

import augstore

BATCH = 64
BATCH_BYTES = BATCH * 24 * 4


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def served(tmp_path_factory, certificates, rows, shift):
    server = Served(tmp_path_factory.mktemp("faults"), *certificates.issue("server", "DNS:localhost,IP:127.0.0.1"))
    with augstore.connect(server.tcp) as client:
        fill(client, rows, shift)
    yield server
    server.close()


def batches(address, certificates):
    client = augstore.connect(address, 60.0, tls_ca=certificates.ca)
    stream = client.stream("toy", split="train", policy="identity:1,shift@1:1", batch_size=BATCH, seed=5)
    return [(b.step, b.samples.tolist(), b.embeddings.tobytes()) for epoch in range(3) for b in stream.epoch(epoch)]


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
@pytest.mark.parametrize(
    "plan",
    [
        lambda n: Fault(piece=1, cut_after=9_000) if n % 2 == 0 else Fault(piece=997),
        lambda n: Fault(cut_after=4_000 + 2 * BATCH_BYTES + 701 * (n % 30)),
        lambda n: Fault(cut_after=4_000 + 2 * BATCH_BYTES + 701 * (n % 30), with_reset=True),
        lambda n: Fault(damage_at=4_500) if n > 0 and n % 2 == 0 else Fault(),
    ],
    ids=["byte by byte", "cut", "reset", "damaged"],
)
def test_a_stream_has_the_same_bytes_over_a_bad_network(served, certificates, scheme, plan):
    address = getattr(served, scheme)
    with FaultProxy(address, plan) as proxy:
        assert batches(proxy.address, certificates) == batches(served.tcp, certificates)
        assert proxy.connections >= 3


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_a_stream_has_the_same_bytes_whatever_a_network_does(served, certificates, scheme):
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    draw = random.Random(seed)

    def plan(number: int) -> Fault:
        cut = 3_000 + draw.randrange(8 * BATCH_BYTES) if number % 3 != 2 else None
        return Fault(draw.choice((100, 777, 16_384, 65_536)), draw.random() * 2e-4, cut, draw.random() < 0.5)

    with FaultProxy(getattr(served, scheme), plan) as proxy:
        assert batches(proxy.address, certificates) == batches(served.tcp, certificates)
