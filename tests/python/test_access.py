"""Keys in the Python client, against a server that demands them."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import time

import pytest

import augstore
from augstore._endpoint import Endpoint, endpoint_of
from conftest import fill

WRONG = "augs_aaaaaaaa_" + "b" * 52


def augstore_command(*words):
    return subprocess.run([os.environ["AUGSTORE_BINARY"], *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def keyed(tmp_path_factory, rows, shift):
    """(TCP address, key of role read for toy, Unix address) of a server whose store is filled."""
    folder = tmp_path_factory.mktemp("keyed")
    with augstore.open(folder / "db", create=True) as client:
        fill(client, rows, shift)
    key = augstore_command("key", "create", "--store", str(folder / "db"), "--scope", "toy", "--quiet").strip()
    command = [os.environ["AUGSTORE_BINARY"], "serve", "--store", str(folder / "db"), "--json", "--quiet", "--parent", str(os.getpid())]
    server = subprocess.Popen(command + ["--listen", "tcp://127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    said = ""
    while not said.rstrip().endswith("}"):
        said += server.stdout.readline()
    tcp, unix = json.loads(said)["listening"]
    yield tcp, key, unix
    server.terminate()
    server.wait(30)
    server.stdout.close()


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("AUGSTORE_KEY", raising=False)
    monkeypatch.delenv("AUGSTORE_KEY_FILE", raising=False)


def test_a_key_lets_a_client_and_its_streams_in(keyed, tmp_path, monkeypatch):
    address, key, _ = keyed
    (tmp_path / "key").write_text(key + "\n")
    assert len(augstore.connect(address, key=key).collections()) == 2
    assert augstore.connect(address, key_file=tmp_path / "key").collection("toy").name == "toy"
    monkeypatch.setenv("AUGSTORE_KEY_FILE", str(tmp_path / "key"))
    client = augstore.connect(address)
    assert sum(len(batch.samples) for batch in client.stream("toy", split="").epoch(0)) == 1100
    monkeypatch.delenv("AUGSTORE_KEY_FILE")
    monkeypatch.setenv("AUGSTORE_KEY", key)
    assert augstore.connect(address).collection("toy").samples == 1100


def test_what_a_key_does_not_allow_is_refused(keyed):
    address, key, _ = keyed
    client = augstore.connect(address, key=key)
    with pytest.raises(augstore.PermissionDenied, match="collection 'other'"):
        client.collection("other")
    with pytest.raises(augstore.PermissionDenied, match="needs the role write"):
        client.register_transform("mine", {"0.weight": [[1.0]], "0.bias": [0.0]}, backbone="phi")


@pytest.mark.parametrize("key", [None, WRONG])
def test_without_a_valid_key_nobody_gets_in_and_no_message_shows_it(keyed, key):
    before = time.monotonic()
    with pytest.raises(augstore.Unauthenticated) as refused:
        augstore.connect(keyed[0], key=key)
    assert WRONG[14:] not in str(refused.value)
    assert time.monotonic() - before < 30, "it is not tried again"


def test_a_text_that_is_no_key_is_refused_without_showing_it(tmp_path):
    (tmp_path / "key").write_text(WRONG[:-1])
    for given in ({"key": WRONG[:-1]}, {"key_file": tmp_path / "key"}):
        with pytest.raises(augstore.InvalidArgument, match="is no key") as refused:
            augstore.connect("tcp://127.0.0.1:1", **given)
        assert "bbbb" not in str(refused.value)
    with pytest.raises(augstore.NotFound, match="none"):
        augstore.connect("tcp://127.0.0.1:1", key_file=tmp_path / "none")
    with pytest.raises(augstore.InvalidArgument, match="give one"):
        augstore.connect("tcp://127.0.0.1:1", key=WRONG, key_file=tmp_path / "key")


def test_the_environments_key_is_for_tcp_alone(keyed, monkeypatch):
    monkeypatch.setenv("AUGSTORE_KEY", WRONG)
    assert augstore.connect(keyed[2]).collections()
    with pytest.raises(augstore.Unauthenticated):
        augstore.connect(keyed[0])


def test_a_key_is_pickled_and_never_printed(keyed):
    address, key, _ = keyed
    client = augstore.connect(address, key=key)
    stream = client.stream("toy")
    for value in (client, stream, client._connection, client._connection.endpoint):
        assert key[14:] not in repr(value) and key[14:] not in str(value)
    assert pickle.loads(pickle.dumps(client)).collection("toy").samples == 1100
    assert len(next(iter(pickle.loads(pickle.dumps(stream)).epoch(0))).samples) > 0


def test_a_loader_with_workers_presents_the_key(keyed):
    torch = pytest.importorskip("torch")
    from augstore import StreamDataset

    address, key, _ = keyed
    ds = StreamDataset(augstore.connect(address, key=key), "toy", split="", batch_size=100)
    loader = torch.utils.data.DataLoader(ds, batch_size=None, num_workers=1)
    assert sum(len(y) for _, y in loader) == 1100


def test_another_store_at_the_address_is_refused_with_both_names(keyed, client):
    there = endpoint_of(keyed[2])
    channel = there.connect()
    there.greet(channel)
    channel.close()
    first = there._store_id
    there.address = client.address
    channel = there.connect()
    with pytest.raises(augstore.FailedPrecondition, match=first) as refused:
        there.greet(channel)
    channel.close()
    assert client.info()["store_id"] in str(refused.value)


def test_an_endpoint_needs_an_address():
    with pytest.raises(augstore.InvalidArgument):
        Endpoint("nowhere")
