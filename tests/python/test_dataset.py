"""Streams in PyTorch: workers, ranks, resume, pickling, memory."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")

import augstore  # noqa: E402
from augstore import Batch, EmbeddingDataset, StreamDataset, StreamLoader  # noqa: E402
from conftest import DIM, ROWS  # noqa: E402
from torch.utils.data import BatchSampler, DataLoader, RandomSampler  # noqa: E402

OPTIONS = {"split": "train", "policy": "identity:1,shift@1:1", "batch_size": 48, "seed": 3}
STEPS = 21


def dataset(client, **options):
    return StreamDataset(client, "toy", **{**OPTIONS, **options})


def ids(batches):
    return [batch.samples.tolist() for batch in batches]


@pytest.fixture(scope="module")
def expected(client):
    """The batches of epochs 0 and 1, without workers."""
    ds = dataset(client)
    found = []
    for epoch in range(2):
        ds.set_epoch(epoch)
        found.append(list(ds))
    return found


def test_an_epoch_has_every_sample_once_with_its_embedding_label_and_chain(client, expected, rows):
    ds = dataset(client)
    assert len(ds) == STEPS == len(expected[0])
    assert sorted(i for batch in ids(expected[0]) for i in batch) == list(range(ROWS))
    assert ids(expected[0]) != ids(expected[1])
    for batch in expected[0]:
        z = rows[0][batch.samples]
        shifted = np.array(ds.info.chains)[batch.chains] == "shift@1"
        np.testing.assert_allclose(batch.embeddings, np.where(shifted[:, None], 2 * z + 1, z), rtol=1e-5, atol=1e-6)
        assert batch.labels.tolist() == rows[1][batch.samples].tolist()
    assert 300 < sum(int((batch.chains == 1).sum()) for batch in expected[0]) < 700


def test_a_batch_unpacks_has_torch_types_and_is_a_view_of_what_was_received(expected):
    z, y = expected[0][0]
    assert (z.dtype, z.shape, y.dtype, y.shape) == (torch.float32, (48, DIM), torch.int64, (48,))
    batch = expected[0][0]
    assert z.data_ptr() % 64 == 0 and z.storage().data_ptr() == batch._memory.storage().data_ptr()
    assert repr(batch) == "<Batch (48, 24) of epoch 0, step 0>"
    copy = batch.to("cpu")
    assert copy.step == 0 and torch.equal(copy.embeddings, z)
    z += 0  # writable: a trainer may work in place


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_workers_gives_the_same_batches_in_the_same_order(client, expected, workers):
    loader = DataLoader(dataset(client), batch_size=None, num_workers=workers)
    assert len(loader) == STEPS
    got = list(loader)
    assert ids(got) == ids(expected[0])
    assert all(torch.equal(a.embeddings, b.embeddings) and a.step == b.step for a, b in zip(got, expected[0]))


def test_batches_of_workers_come_in_shared_memory(client):
    batch = next(iter(DataLoader(dataset(client), batch_size=None, num_workers=1)))
    assert batch._memory.is_shared() and batch.embeddings.data_ptr() % 64 == 0


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("drop_last", [False, True])
def test_ranks_and_workers_split_an_epoch_without_loss_or_duplicates(client, monkeypatch, workers, drop_last):
    seen = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "3")
        ds = dataset(client, drop_last=drop_last, batch_size=90)
        batches = list(StreamLoader(ds, num_workers=workers))
        assert len(batches) == len(ds)
        assert not drop_last or len(ds) == 3 and all(len(batch.labels) == 90 for batch in batches)
        seen += [i for batch in ids(batches) for i in batch]
    assert len(seen) == len(set(seen)) == (810 if drop_last else ROWS)


def test_rank_and_world_size_that_are_no_numbers_are_refused(client, monkeypatch):
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(augstore.InvalidArgument, match="RANK is 'first'"):
        dataset(client)


@pytest.mark.parametrize("before, after", [(0, 2), (2, 0), (3, 2), (0, 0)])
def test_a_state_taken_in_mid_epoch_resumes_exactly_on_other_workers(client, expected, before, after):
    loader = StreamLoader(dataset(client), num_workers=before)
    loader.set_epoch(1)
    for batch in loader:
        if batch.step == 8:  # the trainer has had 0 .. 8; workers are further on
            break
    state = json.loads(json.dumps(loader.state_dict()))
    assert (state["epoch"], state["step"]) == (1, 9)

    resumed = StreamLoader(dataset(client), num_workers=after)
    resumed.load_state_dict(state)
    resumed.set_epoch(1)  # as a training loop does
    got = list(resumed)
    assert ids(got) == ids(expected[1][9:]) and [batch.step for batch in got] == list(range(9, STEPS))
    resumed.set_epoch(0)
    assert ids(resumed) == ids(expected[0])


def test_a_plain_loader_with_workers_takes_the_batch_for_its_state(client, expected):
    ds = dataset(client)
    for batch in DataLoader(ds, batch_size=None, num_workers=2):
        if batch.step == 4:
            break
    with pytest.raises(augstore.FailedPrecondition, match=r"state_dict\(batch\)"):
        ds.state_dict()
    other = dataset(client)
    other.load_state_dict(ds.state_dict(batch))
    assert ids(other) == ids(expected[0][5:])


def test_a_state_before_the_first_and_behind_the_last_batch(client, expected):
    ds = dataset(client)
    assert ds.state_dict()["step"] == 0
    list(ds)
    state = ds.state_dict()
    assert state["step"] == STEPS
    ds = dataset(client)
    ds.load_state_dict(state)
    assert list(StreamLoader(ds)) == [] == list(StreamLoader(ds, num_workers=2))
    ds.set_epoch(1)
    assert ids(ds) == ids(expected[1])


@pytest.mark.parametrize(
    "options, difference",
    [
        ({"seed": 4}, "seed: 4 here, 3 before"),
        ({"batch_size": 32}, "batch_size: 32 here, 48 before"),
        ({"policy": "identity"}, "policy: identity here, identity,shift@1 before"),
        ({"split": ""}, "split:  here, train before"),
        ({"shuffle": False}, "shuffle: False here, True before"),
        ({"world_size": 2}, "world_size: 2 here, 1 before"),
    ],
)
def test_a_state_of_another_stream_is_refused_with_the_difference(client, options, difference):
    state = dataset(client).state_dict()
    with pytest.raises(augstore.FailedPrecondition, match=difference):
        dataset(client, **options).load_state_dict(state)


def test_a_state_is_refused_when_data_or_transforms_changed_and_works_on_the_old_versions(own_client, rows):
    state = dataset(own_client).state_dict()
    own_client.register_transform("shift", {"0.weight": np.eye(DIM, dtype=np.float32)})
    own_client.import_embeddings("toy", rows[0][:5] - 3, backbone_name="phi", keys=list("abcde"))
    with pytest.raises(augstore.FailedPrecondition, match="toy@3 here, toy@2 before.*shift@2 here.*transforms") as refused:
        dataset(own_client, policy="identity:1,shift@2:1").load_state_dict(state)
    assert "collection='toy@2', policy='identity,shift@1'" in str(refused.value)
    old = StreamDataset(own_client, "toy@2", **{**OPTIONS, "policy": "identity,shift@1"})
    old.load_state_dict(state)


@pytest.mark.parametrize("state", [{}, {"version": 1}, {"version": 1, "stream": {}}, {"version": 2, "stream": {}}])
def test_a_state_that_is_none_is_refused(client, state):
    with pytest.raises(augstore.InvalidArgument, match="no state"):
        dataset(client).load_state_dict(state)


def test_a_step_outside_the_epoch_is_refused(client):
    ds = dataset(client)
    with pytest.raises(augstore.InvalidArgument, match="step 22 is outside"):
        ds.load_state_dict({**ds.state_dict(), "step": 22})
    with pytest.raises(augstore.InvalidArgument, match="epoch -1"):
        ds.set_epoch(-1)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_may_be_forked_and_spawned_and_see_the_epoch(client, expected, method):
    ds = dataset(client)
    len(ds)  # connects in this process first
    loader = StreamLoader(ds, num_workers=2, multiprocessing_context=method, persistent_workers=True)
    for epoch in (0, 1):
        loader.set_epoch(epoch)
        assert ids(loader) == ids(expected[epoch])


def test_a_dataset_survives_pickling(client, expected):
    ds = dataset(client)
    copy = pickle.loads(pickle.dumps(ds))
    assert ids(copy) == ids(expected[0])
    assert ids(DataLoader(copy, batch_size=None, num_workers=2)) == ids(expected[0])
    assert "toy" in repr(ds) and "toy@2" in repr(copy)


def test_the_loader_refuses_options_that_are_the_streams(client):
    with pytest.raises(augstore.InvalidArgument, match=r"\['batch_size', 'shuffle'\] belong to the StreamDataset"):
        StreamLoader(dataset(client), batch_size=5, shuffle=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU to pin memory for")
def test_batches_are_pinned(client):
    batch = next(iter(StreamLoader(dataset(client), pin_memory=True)))
    assert batch.embeddings.is_pinned() and batch.to("cuda", non_blocking=True).embeddings.is_cuda


def test_an_error_in_a_worker_reaches_the_trainer_with_its_reason(client):
    ds = StreamDataset(client, "none")
    with pytest.raises(augstore.NotFound, match="none"):
        next(iter(ds))
    with pytest.raises(augstore.NotFound, match="none"):
        next(iter(DataLoader(ds, batch_size=None, num_workers=1)))


def test_a_stream_goes_on_when_its_connection_breaks(client, expected, monkeypatch):
    from augstore import _endpoint

    opened = []

    class Breaking(_endpoint.Channel):
        """Breaks after the greeting and five frames."""

        def __init__(self, address, tls):
            super().__init__(address, tls=tls)
            opened.append(self)
            self.frames = 0

        def receive(self, allocate):
            self.frames += 1
            if self.frames > 6:
                raise augstore.Unavailable("the connection broke")
            return super().receive(allocate)

    ds = dataset(client)
    assert len(ds) == STEPS  # connects
    monkeypatch.setattr(_endpoint, "Channel", Breaking)
    assert ids(ds) == ids(expected[0])
    assert len(opened) == 5


def test_tqdm_shows_a_stream(client):
    tqdm = pytest.importorskip("tqdm")
    import io

    out = io.StringIO()
    assert len(list(tqdm.tqdm(StreamLoader(dataset(client)), file=out))) == STEPS
    assert f"{STEPS}/{STEPS}" in out.getvalue()


def test_embeddings_by_index_raw_and_through_a_chain(client, rows):
    ds = EmbeddingDataset(client, "toy", split="test", apply="shift@1")
    assert len(ds) == 100
    z, y = ds[3]
    np.testing.assert_allclose(z, 2 * (rows[0][3] + 1) + 1, rtol=1e-5, atol=1e-6)
    assert y == rows[1][3] and torch.equal(ds[-1][0], ds[99][0])
    many, labels = ds[[5, 3]]
    assert many.shape == (2, DIM) and labels.dtype == torch.int64 and torch.equal(many[1], z)
    assert [label for _, label in ds.__getitems__([5, 3])] == labels.tolist()
    with pytest.raises(IndexError, match="outside the 100 samples"):
        ds[100]
    with pytest.raises(augstore.NotFound, match="no split 'validation'"):
        EmbeddingDataset(client, "toy", split="validation")


@pytest.mark.parametrize("workers", [0, 2])
def test_embeddings_load_in_random_batches(client, workers):
    ds = EmbeddingDataset(client.address, "toy", split="")
    loader = DataLoader(ds, sampler=BatchSampler(RandomSampler(ds), 256, False), batch_size=None, num_workers=workers)
    assert sum(len(y) for _, y in loader) == ROWS + 100
    assert next(iter(DataLoader(ds, batch_size=4, shuffle=True)))[0].shape == (4, DIM)


def test_the_split_train_is_read_where_none_is_named(client, own_client, rows):
    assert len(EmbeddingDataset(client, "toy")) == ROWS
    assert StreamDataset(client, "toy").info.spec.split == client.stream("toy").info.spec.split == "train"
    assert StreamDataset(client, "toy", split="").info.samples == ROWS + 100
    own_client.import_embeddings("other", rows[0], backbone_name="phi", split="all")
    assert len(EmbeddingDataset(own_client, "other")) == StreamDataset(own_client, "other").info.samples == ROWS


def test_a_batch_pickles_small_and_whole(expected):
    batch = expected[0][2]
    copy = pickle.loads(pickle.dumps(batch))
    assert isinstance(copy, Batch) and copy.step == 2 and torch.equal(copy.labels, batch.labels)
