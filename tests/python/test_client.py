"""The client against a real server."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest

import augstore
from conftest import CLASSES, DIM, ROWS, ROOT


def test_collections_and_transforms_say_what_there_is(client):
    collection = client.collection("toy")
    assert (collection.samples, collection.dim, collection.splits) == (ROWS + 100, DIM, {"train": ROWS, "test": 100})
    assert collection.classes == [str(i) for i in range(CLASSES)]
    transform = client.transforms()["shift"]
    assert (transform.ref, transform.dim, transform.layers) == ("shift@1", DIM, [(DIM, DIM, "none")])
    assert client.transform("shift@1") == transform
    assert [backbone.name for backbone in client.backbones()] == ["phi"]
    with pytest.raises(KeyError, match="there is: shift@1"):
        client.transforms()["none"]


def test_they_print_as_tables_in_a_terminal_and_in_a_notebook(client):
    assert "toy@2" in repr(client.collections()) and "train: 1,000, test: 100" in repr(client.collections())
    assert "<td>toy@2</td>" in client.collections()._repr_html_()
    assert "not measured" in repr(client.transforms()[0]) and "<td>shift@1</td>" in client.transforms()._repr_html_()
    assert client.collection("toy")._repr_html_().startswith("<table>")
    assert repr(client.transforms()[0].card) == "<Card: not measured>"
    assert repr(client) == f"<augstore.Client at {client.address}>"


def test_a_measured_card_prints_its_numbers():
    import samples
    from augstore._codec import encode_record
    from augstore._records import transform_of

    card = transform_of({"name": "rot", "version": 3, "record": encode_record("Transform", samples.TRANSFORM)})
    assert "0.6250 [0.5000, 0.7500]" in repr(card.card) and "<td>held-out</td>" in card._repr_html_()
    assert card.layers[1] == (1024, 512, "none+residual") and card.card.measures["us_per_row"] == 12.5


def test_get_gives_what_was_imported_raw_and_through_a_chain(client, rows):
    ids = [5, 0, 5, ROWS - 1]
    assert np.array_equal(client.get("toy", ids), rows[0][ids])
    np.testing.assert_allclose(client.get("toy", np.array(ids), apply="shift@1>shift@1"), 4 * rows[0][ids] + 3, rtol=1e-5)
    embeddings, labels = client.query("toy@1", ids, label_column="label")
    assert embeddings.dtype == np.float32 and labels.tolist() == rows[1][ids].tolist()
    assert client.get("toy", []).shape == (0, DIM)


@pytest.mark.parametrize(
    "arguments, kind, reason",
    [
        (("none", [0]), augstore.NotFound, "none"),
        (("toy", [ROWS + 100]), augstore.InvalidArgument, "1100"),
        (("toy", [-1]), augstore.InvalidArgument, "negative"),
        (("toy", [0.5]), augstore.InvalidArgument, "give a list of integers"),
        (("toy", [0], "spin"), augstore.NotFound, "spin"),
    ],
)
def test_get_refuses_what_is_not_there_by_name(client, arguments, kind, reason):
    with pytest.raises(kind, match=reason):
        client.get(*arguments)


def test_samples_have_keys_splits_and_labels(client, rows):
    samples = client.samples("toy")
    assert repr(samples) == f"<Samples: {ROWS + 100:,} (test: 100, train: {ROWS:,}), {int((samples.labels >= 0).sum()):,} labelled>"
    assert samples.keys[3] == hashlib.sha256(rows[0][3].tobytes()).hexdigest()[:32] and samples.splits[ROWS] == "test"
    assert samples.labels[:ROWS].tolist() == rows[1].tolist() and len(samples.ids) == ROWS + 100


def test_an_import_is_found_again_and_grows_by_key(own_client, rows):
    embeddings, labels = rows
    before = own_client.stats()["spaces"][0]["rows"]
    same = own_client.import_embeddings("toy", embeddings, labels, backbone_name="phi", source="toy")
    assert same.version == 2 and own_client.stats()["spaces"][0]["rows"] == before
    more = own_client.import_embeddings("toy", embeddings[:3] + 5, backbone_name="phi", keys=["a", "b", "c"], split="extra")
    assert (more.version, more.splits["extra"]) == (3, 3)
    assert own_client.samples("toy").labels[-3:].tolist() == [-1, -1, -1]
    other = own_client.import_embeddings("toy", embeddings[:4], [0, 1, 1, 0], classes=["7", "0"], backbone_name="phi", start_empty=True)
    assert other.samples == 4 and other.classes == ["7", "0"]
    assert own_client.query("toy", [0, 1])[1].tolist() == [0, 1]


def test_a_second_import_adds_its_rows_whatever_their_numbers(own_client, rows):
    own_client.import_embeddings("days", rows[0][:100], backbone_name="phi")
    grown = own_client.import_embeddings("days", rows[0][100:150], backbone_name="phi")
    assert grown.samples == 150
    twice = own_client.import_embeddings("days", rows[0][[7, 200, 200]], backbone_name="phi")
    assert twice.samples == 152
    assert own_client.samples("days").keys[-1] == own_client.samples("days").keys[-2] + "-2"


def test_samples_are_replaced_only_when_that_is_asked_for(own_client, rows):
    own_client.import_embeddings("days", rows[0][:3], [0, 0, 1], backbone_name="phi", keys=["a", "b", "c"])
    said = r"2 samples of 'days@1' would be replaced.*sample 'b' of split 'train'.*1 would be added, 1 are there as they are.*replace_samples=True"
    changed = {"labels": [0, 1, 1, 1], "backbone_name": "phi", "keys": ["a", "b", "c", "d"]}
    with pytest.raises(augstore.FailedPrecondition, match=said):
        own_client.import_embeddings("days", rows[0][[0, 1, 3, 4]], **changed)
    assert own_client.collection("days").version == 1
    assert own_client.import_embeddings("days", rows[0][[0, 1, 3, 4]], **changed, replace_samples=True).samples == 4
    assert own_client.query("days", range(4))[1].tolist() == [0, 1, 1, 1]


def test_rows_in_two_splits_or_under_two_keys_are_said_before_the_commit(own_client, rows):
    own_client.import_embeddings("days", rows[0][:9], np.zeros(9, int), backbone_name="phi")
    with pytest.warns(UserWarning, match="4 rows of days are both in test and train: accuracies on one"):
        own_client.import_embeddings("days", rows[0][:4], np.zeros(4, int), backbone_name="phi", split="test")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = r"2 rows of days are in train under several keys \(1 of them with different labels\)"
        with pytest.raises(UserWarning, match=said):
            own_client.import_embeddings("days", rows[0][7:9], [0, 1], backbone_name="phi", keys=["x", "y"])
    assert own_client.collection("days").version == 2


def test_classes_keep_their_numbers_when_others_come_in_another_order(own_client, rows):
    own_client.import_embeddings("animals", rows[0][:2], [0, 1], classes=["cat", "dog"], backbone_name="phi", keys=["a", "b"])
    own_client.import_embeddings("animals", rows[0][2:4], [0, 1], classes=["owl", "cat"], backbone_name="phi", keys=["c", "d"])
    assert own_client.collection("animals").classes == ["cat", "dog", "owl"]
    assert own_client.samples("animals").labels.tolist() == [0, 1, 2, 0]


def test_an_import_refuses_bad_input_before_anything_is_stored(own_client, rows):
    def refused(reason, *args, kind=augstore.InvalidArgument, **options):
        with pytest.raises(kind, match=reason):
            own_client.import_embeddings("other", *args, **{"backbone_name": "phi", **options})

    bad = rows[0][:5].copy()
    bad[3, 1] = np.nan
    refused("row 3 is not finite", bad)
    refused("give n x d", rows[0][0])
    refused("give 5 integers", rows[0][:5], [1, 2])
    refused("labels run from -2", rows[0][:2], [-2, 0])
    refused("one for each", rows[0][:2], keys=["a"])
    refused("split is empty", rows[0][:2], split="")
    refused("backbone_name or backbone_file", rows[0][:2], backbone_name=None)
    refused("has dimension 24, these have 23", rows[0][:2, :23], kind=augstore.FailedPrecondition)
    with pytest.raises(augstore.FailedPrecondition, match="name another collection"):
        own_client.import_embeddings("toy", rows[0][:2], backbone_name="another")
    assert "other" not in [collection.name for collection in own_client.collections()]


def test_a_backbone_is_identified_by_its_file(own_client, rows, tmp_path):
    (tmp_path / "net.pt").write_bytes(b"weights")
    made = own_client.import_embeddings("files", rows[0][:2], backbone_file=tmp_path / "net.pt")
    assert made.backbone == hashlib.sha256(b"weights").hexdigest()
    assert [b.name for b in own_client.backbones()] == ["net", "phi"]
    with pytest.raises(augstore.NotFound, match="give backbone=NAME"):
        own_client.register_transform("t", {"0.weight": np.eye(DIM, dtype=np.float32)})


def test_register_transform_takes_a_state_dict_and_a_file(own_client, rows, tmp_path):
    weight = np.full((DIM, DIM), 0.1, np.float32)
    state = {"0.weight": weight, "0.bias": -np.ones(DIM, np.float32), "2.weight": np.eye(DIM, dtype=np.float32)}
    first = own_client.register_transform("two", state, op="rotate(15)", residual=True)
    assert first.layers == [(DIM, DIM, "relu"), (DIM, DIM, "none+residual")] and first.op == "rotate(15)"
    z = rows[0][:50]
    expected = np.maximum(z @ weight.T - 1, 0) + z
    np.testing.assert_allclose(own_client.get("toy", range(50), "two@1"), expected, rtol=1e-4, atol=1e-5)

    from augstore._weights import Weights, layers_of_state

    (tmp_path / "w.safetensors").write_bytes(Weights(layers_of_state(state, True), {}, {}).to_safetensors())
    second = own_client.register_transform("file", tmp_path / "w.safetensors", backbone="phi")
    assert second.weights == first.weights and second.layers == first.layers


@pytest.mark.parametrize(
    "state, reason",
    [
        ({"fc.weight": np.eye(DIM)}, "the key 'fc.weight'"),
        ({"0.bias": np.zeros(DIM)}, "layer 0 has no weight"),
        ({"0.weight": np.eye(DIM)[:5]}, "takes 24, gives 5"),
        ({"0.weight": np.eye(DIM), "0.bias": np.zeros(3)}, "bias of shape"),
        ({"0.weight": np.full((DIM, DIM), np.inf)}, "not finite"),
        ({"0.weight": np.eye(DIM), "1.weight": np.eye(5)}, "layer 1 takes 5 values where 24 come"),
        ({}, "1 to 16 layers, not 0"),
    ],
)
def test_register_transform_refuses_weights_that_do_not_fit(client, state, reason):
    with pytest.raises(augstore.InvalidArgument, match=reason):
        client.register_transform("bad", state)


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "no safetensors"),
        (b"\xff" * 20, "no safetensors"),
        (b"\x02\0\0\0\0\0\0\0[]", "no JSON object"),
        (b"\x02\0\0\0\0\0\0\0{x", "not JSON"),
    ],
)
def test_register_transform_refuses_a_file_that_is_damaged(client, tmp_path, data, reason):
    (tmp_path / "w").write_bytes(data)
    with pytest.raises(augstore.InvalidArgument, match=reason):
        client.register_transform("bad", tmp_path / "w")
    with pytest.raises(augstore.NotFound, match="cannot be read"):
        client.register_transform("bad", tmp_path / "absent")


def test_hostile_tensor_headers_are_refused_by_name():
    import json

    from augstore._weights import parse_safetensors

    def parse(tensor):
        header = json.dumps({"a": tensor}).encode()
        return parse_safetensors(len(header).to_bytes(8, "little") + header + bytes(8))

    good = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    assert parse(good)[1]["a"].tolist() == [0, 0]
    for change in (
        {"shape": [2**62, 4]}, {"shape": [-2]}, {"shape": None}, {"shape": [True]}, {"data_offsets": [0, 2**70]},
        {"data_offsets": [8, 0]}, {"data_offsets": [0]}, {"dtype": "F16"}, {"dtype": None}, {"shape": [1, 1, 2]},
    ):  # fmt: skip
        with pytest.raises(augstore.InvalidArgument, match="tensor 'a'"):
            parse({**good, **change})


def test_a_fork_while_another_thread_is_in_a_call_leaves_the_child_a_client_that_works(client):
    stop = threading.Event()

    def call():
        while not stop.is_set():
            client.collection("toy")

    caller = threading.Thread(target=call)
    caller.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                signal.alarm(20)  # ends a child that waits for ever
                os._exit(0 if client.collection("toy").dim == DIM else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        caller.join()


def test_a_client_survives_pickling_and_fork(client):
    assert pickle.loads(pickle.dumps(client)).collection("toy").samples == ROWS + 100
    child = os.fork()
    if child == 0:
        os._exit(0 if client.collection("toy").dim == DIM else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert client.collection("toy").dim == DIM


def test_the_commands_and_the_client_share_a_store(client):
    out = subprocess.run(
        [os.environ["AUGSTORE_BINARY"], "collection", "ls", "--connect", client.address, "--json"], capture_output=True, check=True
    )
    assert b"toy@2" in out.stdout


def test_a_row_is_stored_once_whether_the_command_or_python_imports_it(own_client, rows, tmp_path):
    embeddings = rows[0][:300] + 9
    embeddings[[260, 290]] = embeddings[10]
    np.save(tmp_path / "z.npy", embeddings)
    command = [os.environ["AUGSTORE_BINARY"], "import", "--connect", own_client.address, "--collection", "both", "--json", "--quiet"]
    command += ["--npy", tmp_path / "z.npy", "--backbone-name", "phi"]
    assert json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["stored"] == 298
    stored = own_client.stats()["spaces"][0]["rows"]
    again = own_client.import_embeddings("both", embeddings, backbone_name="phi", source="again")
    assert own_client.stats()["spaces"][0]["rows"] == stored and again.version == 1
    alone = own_client.import_embeddings("alone", embeddings, backbone_name="phi")
    assert alone.digest == again.digest


def test_a_private_server_ends_with_its_client(tmp_path):
    client = augstore.open(tmp_path / "db", create=True)
    path = client.address[len("unix://") :]
    assert os.path.exists(path)
    client.close()
    client.close()
    assert not os.path.exists(os.path.dirname(path))
    with augstore.open(tmp_path / "db"):  # the store is free again
        pass


def test_a_private_server_ends_when_its_process_is_killed(tmp_path):
    code = f"import augstore, time; c = augstore.open({str(tmp_path / 'db')!r}, create=True); print(c.address, flush=True); time.sleep(60)"
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "client/python")}
    )
    address = child.stdout.readline().strip()
    assert augstore.connect(address).info()
    child.send_signal(signal.SIGKILL)
    child.wait()
    for _ in range(100):
        try:
            augstore.connect(address, retry_seconds=0)
        except augstore.Unavailable:
            return
        time.sleep(0.1)
    pytest.fail("the server outlived its process")


def test_a_private_server_that_cannot_start_says_why(tmp_path):
    (tmp_path / "file").write_text("no store")
    with pytest.raises(augstore.FailedPrecondition, match="did not start"):
        augstore.open(tmp_path / "file")
    with augstore.open(tmp_path / "db", create=True):
        with pytest.raises(augstore.FailedPrecondition, match="serve"):
            augstore.open(tmp_path / "db")
    with pytest.raises(augstore.NotFound, match="typo.*create=True"):
        augstore.open(tmp_path / "typo")
    assert not (tmp_path / "typo").exists()
    with pytest.raises(augstore.NotFound, match="no-such-program"):
        augstore.open(tmp_path / "db", binary="no-such-program")


def test_nobody_listening_is_unavailable_and_names_the_address(tmp_path):
    with pytest.raises(augstore.Unavailable, match=r"unix:///.*/s: .*augstore serve"):
        augstore.connect(f"unix://{tmp_path}/s", retry_seconds=0)


def test_streams_of_arrays_need_no_torch(client):
    stream = client.stream("toy", split="train", policy="identity:1,shift@1:1", batch_size=64, seed=3)
    batches = list(stream.epoch(2))
    assert len(batches) == len(stream) == 16 and sum(len(b.labels) for b in batches) == ROWS
    assert sorted(int(i) for b in batches for i in b.samples) == list(range(ROWS))
    assert np.array_equal(stream.get(2, 5).embeddings, batches[5].embeddings)
    rest = list(pickle.loads(pickle.dumps(stream)).epoch(2, step=13, prefetch=0))
    assert [b.step for b in rest] == [13, 14, 15] and np.array_equal(rest[0].samples, batches[13].samples)
    with pytest.raises(augstore.InvalidArgument, match="step 16 does not exist"):
        stream.get(0, 16)
    with pytest.raises(augstore.InvalidArgument, match="give integers from 0"):
        stream.raw(-1, 0, 0)
    with pytest.raises(augstore.InvalidArgument, match="batch_size is -1"):
        client.stream("toy", batch_size=-1)


def test_a_stream_that_is_left_early_leaves_no_thread(client):
    import threading

    stream = client.stream("toy", batch_size=8)
    for _ in range(5):
        batches = stream.epoch(0)
        next(batches)
        batches.close()
    assert [t.name for t in threading.enumerate() if t.name == "augstore-prefetch"] == []
