"""Memory that a server on this machine shares: batches as they are, whatever the other side does."""

from __future__ import annotations

import gc
import os
import socket

import numpy as np
import pytest

import augstore
from augstore._channel import Channel, seal
from augstore._codec import encode
from augstore._shared import SharedBodies
from augstore._tables import MESSAGE_TYPES
from test_hostile import FakeServer, reply

SIZE, SLOTS = 1 << 20, 16

pytestmark = pytest.mark.skipif(
    not hasattr(socket, "recv_fds") or not hasattr(os, "memfd_create"), reason="no descriptors over sockets here"
)


def memory(size, sealed=True):
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    if sealed:
        import fcntl

        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return fd


def test_large_batches_come_through_shared_memory_and_stay(client, monkeypatch):
    give_back = SharedBodies.give_back
    rows = np.random.default_rng(3).standard_normal((4000, 64)).astype(np.float32)
    client.import_embeddings("large", rows, np.zeros(4000, np.int64), backbone_name="phi64", source="large")
    shared = []
    monkeypatch.setattr(SharedBodies, "give_back", lambda self, place: (shared.append(place), give_back(self, place)))
    stream = client.stream("large", batch_size=200, shuffle=False)
    kept = list(stream.epoch(0))  # more than there are slots
    assert len(kept) == len(shared) == 20
    for i, batch in enumerate(kept):
        assert np.array_equal(batch.embeddings, rows[200 * i : 200 * (i + 1)])
        assert batch.embeddings.flags.writeable and batch.embeddings.ctypes.data % 64 == 0


def test_a_slot_is_given_back_when_its_body_was_read():
    flags, bodies = memory((SLOTS + 1) * 64), memory(SIZE)
    os.pwrite(flags, b"\1\0\0\0", 64)
    os.pwrite(bodies, b"hello", 4096)
    shared = SharedBodies({"slots": SLOTS, "bytes": SIZE}, [os.dup(flags), os.dup(bodies)])
    assert os.pread(flags, 4, SLOTS * 64) == b"\1\0\0\0"  # it is there
    place = {"type": 107, "slot": 1, "offset": 4096, "size": 5}
    assert bytes(shared.body(place)) == b"hello"
    assert not shared.body(place).flags.writeable
    shared.give_back(place)
    assert os.pread(flags, 4, 64) == b"\0\0\0\0"


@pytest.mark.parametrize(
    "place",
    [
        {"slot": SLOTS, "offset": 0, "size": 8},
        {"slot": 0, "offset": SIZE, "size": 8},
        {"slot": 0, "offset": 2**64 - 64, "size": 128},
        {"slot": 0, "offset": 4, "size": 8},
        {"slot": 0, "offset": 0, "size": SIZE + 1},
    ],
)
def test_a_place_outside_the_memory_is_refused(place):
    shared = SharedBodies({"slots": SLOTS, "bytes": SIZE}, [memory((SLOTS + 1) * 64), memory(SIZE)])
    with pytest.raises(augstore.InvalidArgument, match="not in the shared memory"):
        shared.body(place)


@pytest.mark.parametrize(
    "values, make",
    [
        ({"slots": 0, "bytes": SIZE}, lambda: [memory((SLOTS + 1) * 64), memory(SIZE)]),
        ({"slots": 2**31, "bytes": SIZE}, lambda: [memory((SLOTS + 1) * 64), memory(SIZE)]),
        ({"slots": SLOTS, "bytes": 2**60}, lambda: [memory((SLOTS + 1) * 64), memory(SIZE)]),
        ({"slots": SLOTS, "bytes": 2 * SIZE}, lambda: [memory((SLOTS + 1) * 64), memory(SIZE)]),
        ({"slots": SLOTS, "bytes": SIZE}, lambda: [memory((SLOTS + 1) * 64), memory(SIZE, sealed=False)]),
        ({"slots": SLOTS, "bytes": SIZE}, lambda: [memory((SLOTS + 1) * 64)]),
        ({"slots": SLOTS, "bytes": SIZE}, lambda: [os.open("/dev/zero", os.O_RDWR), memory(SIZE)]),
        ({"slots": SLOTS, "bytes": SIZE}, lambda: []),
    ],
)
def test_descriptors_that_could_end_the_process_are_refused_and_closed(values, make):
    gc.collect()  # of other tests
    descriptors = make()
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(augstore.InvalidArgument):
        SharedBodies(values, list(descriptors))
    assert len(os.listdir("/proc/self/fd")) == before - len(descriptors)


RUN = encode("BatchesRequest", {"spec": {"collection": "a"}, "count": 1})


@pytest.mark.parametrize(
    "bytes_sent, kind, reason",
    [
        (reply("ShareMemoryReply", {"bytes": SIZE, "slots": SLOTS})[:-1], augstore.Unavailable, "middle of a reply"),
        (b"", augstore.Unavailable, "closed the connection"),
        (seal(MESSAGE_TYPES["ShareMemoryReply"], 1, b"x" * 64) + b"x" * 64, augstore.InvalidArgument, "valid encoding"),
    ],
)
def test_a_server_that_shares_badly_is_an_error_with_its_reason(tmp_path, bytes_sent, kind, reason):
    server = FakeServer(tmp_path / "s", [bytes_sent], greets=False)
    channel = Channel(server.address)
    with pytest.raises(kind, match=reason):
        channel.send(MESSAGE_TYPES["BatchesRequest"], 1, RUN)
    channel.close()


def test_the_last_words_of_a_server_that_is_full_answer_the_run(tmp_path):
    server = FakeServer(tmp_path / "s", [reply("ErrorReply", {"code": 8, "message": "full"}, request_id=0)], greets=False)
    channel = Channel(server.address)
    channel.send(MESSAGE_TYPES["BatchesRequest"], 1, RUN)
    frame = channel.receive()
    assert (frame.type, frame.request_id) == (MESSAGE_TYPES["ErrorReply"], 0)
    channel.close()


def test_without_descriptors_that_did_not_come_it_goes_on(tmp_path):
    replies = reply("ShareMemoryReply", {"bytes": SIZE, "slots": SLOTS}) + reply("EndReply", {})
    server = FakeServer(tmp_path / "s", [replies], greets=False)
    channel = Channel(server.address)
    channel._share_memory(1)  # what sends the run would find the connection closed
    assert channel.receive().type == MESSAGE_TYPES["EndReply"]
    channel.close()
