"""Bytes from a peer that is damaged or means harm: an augstore.Error with a reason, never a crash, never much memory."""

from __future__ import annotations

import random
import resource
import socket
import struct
import threading
import zlib

import numpy as np
import pytest

import augstore
import samples
from augstore import _limits
from augstore._channel import HEADER_BYTES, Channel, Frame, aligned, check_header, seal
from augstore._codec import decode, decode_record, encode, encode_record
from augstore._tables import MESSAGE_TYPES
from augstore.client import Client
from augstore._channel import Retry
from augstore.stream import batch_of, parts_of
from test_golden import MESSAGES


def frame_of(body):
    memory = aligned(len(body))
    memory[:] = np.frombuffer(bytes(body), np.uint8)
    return Frame(MESSAGE_TYPES["BatchReply"], 1, memory)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_truncated_anywhere_is_refused_or_whole(name):
    body = bytes(encode(name, MESSAGES[name]))
    whole = samples.plain(decode(name, body))
    for size in range(len(body)):
        try:
            assert samples.plain(decode(name, body[:size])) == whole, "only padding may be missing"
        except augstore.InvalidArgument as error:
            assert name in str(error)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_with_flipped_bytes_is_read_or_refused(name):
    generator = random.Random(5)
    body = bytes(encode(name, MESSAGES[name]))
    for _ in range(1000):
        damaged = bytearray(body)
        for _ in range(generator.randrange(1, 4)):
            damaged[generator.randrange(len(body))] = generator.randrange(256)
        try:
            decode(name, damaged)
        except augstore.InvalidArgument:
            pass


def test_a_batch_with_flipped_bytes_keeps_its_lengths_or_is_refused():
    generator = random.Random(6)
    body = bytes(encode("BatchReply", samples.BATCH))
    read = 0
    for _ in range(5000):
        damaged = bytearray(body)
        damaged[generator.randrange(len(body))] = generator.randrange(256)
        try:
            batch = batch_of(*parts_of(frame_of(damaged)))
        except augstore.InvalidArgument:
            continue
        read += 1
        assert len(batch.labels) == len(batch.chains) == len(batch.samples) == len(batch.embeddings)
        assert batch.embeddings.nbytes + batch.samples.nbytes <= len(body)
    assert read > 0


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"labels": [1, 2]}, "labels has 2 elements"),
        ({"chains": [1, 2, 3, 4]}, "chains has 4 elements"),
        ({"dim": 4}, "embeddings has 15 elements"),
        ({"dim": 0, "embeddings": []}, "outside the limits"),
        ({"dim": 2**32 - 1}, "outside the limits"),
    ],
)
def test_a_batch_whose_lists_do_not_fit_is_refused_by_name(changes, reason):
    with pytest.raises(augstore.InvalidArgument, match=reason):
        parts_of(frame_of(encode("BatchReply", {**samples.BATCH, **changes})))


def test_offsets_that_say_the_same_bytes_many_times_are_refused():
    # A list of 1000 texts that all point at one text of 1000 bytes: 5 KB that want to become 1 MB.
    body = bytearray(encode("StreamReply", {"spec": {}, "chains": ["x" * 1000] + ["y"] * 1000}))
    text = body.index(b"x" * 1000) - 4
    start = body.index(struct.pack("<I", 1001))
    for i in range(1001):
        at = start + 4 + 4 * i
        struct.pack_into("<I", body, at, text - at)
    with pytest.raises(augstore.InvalidArgument, match="another field names too"):
        decode("StreamReply", body)


def test_a_list_that_announces_more_than_the_message_has_takes_no_memory():
    body = bytearray(encode("RowIdsReply", {"rows": [1, 2, 3]}))
    struct.pack_into("<I", body, body.index(struct.pack("<IQ", 3, 1)), 2**32 - 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(augstore.InvalidArgument, match="not a valid encoding"):
        decode("RowIdsReply", body)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


def test_a_damaged_record_is_data_loss_and_a_newer_one_says_so():
    data = encode_record("Backbone", samples.BACKBONE)
    with pytest.raises(augstore.DataLoss, match="no Collection record"):
        decode_record("Collection", data)
    with pytest.raises(augstore.DataLoss):
        decode_record("Backbone", data[:40])
    newer = bytes(encode("Backbone", {**samples.BACKBONE, "format": 2}, b"AGRB"))
    with pytest.raises(augstore.FailedPrecondition, match="format 2"):
        decode_record("Backbone", newer)


HEADER = seal(108, 1, b"12345678")


def crc(header):
    return header[:20] + struct.pack("<I", zlib.crc32(header[:20]))


@pytest.mark.parametrize(
    "header, kind, reason",
    [
        (b"HTTP" + HEADER[4:], augstore.InvalidArgument, "does not speak"),
        (HEADER[:8] + b"\xff" + HEADER[9:], augstore.DataLoss, "header was damaged"),
        (crc(HEADER[:4] + b"\x02\x00" + HEADER[6:20]), augstore.InvalidArgument, "version 2, this client version 1: update the client"),
        (crc(HEADER[:4] + b"\x00\x00" + HEADER[6:20]), augstore.InvalidArgument, "version 0, this client version 1: update the server"),
        (crc(HEADER[:12] + b"\xff\xff\xff\xff" + HEADER[16:20]), augstore.InvalidArgument, "announces 4294967295 bytes"),
    ],
)
def test_a_damaged_header_is_refused_before_memory_is_taken(header, kind, reason):
    with pytest.raises(kind, match=reason):
        check_header(header, _limits.MAX_REPLY_BYTES)


class FakeServer:
    """Answers a request of every connection with the next of ``replies``, bytes as they are, and closes. ``greets``: that is the
    second; the first is answered well."""

    def __init__(self, path, replies, greets=True):
        self.greets = greets
        self.address = f"unix://{path}"
        self.replies = list(replies)
        self.requests = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while self.replies:
            connection, _ = self.listener.accept()
            with connection:
                if self.greets:
                    if not self.take_request(connection):
                        continue
                    connection.sendall(GOOD)
                if not self.take_request(connection):
                    continue
                self.requests += 1
                connection.sendall(self.replies.pop(0))
        self.listener.close()

    @staticmethod
    def take_request(connection):
        header = connection.recv(HEADER_BYTES, socket.MSG_WAITALL)
        if len(header) < HEADER_BYTES:
            return False
        connection.recv(check_header(header, 1 << 20)[2], socket.MSG_WAITALL)
        return True


def reply(name, values, request_id=1):
    body = bytes(encode(name, values))
    return seal(MESSAGE_TYPES[name], request_id, body) + body


GOOD = reply("ServerInfoReply", {"version": "1", "store_id": "a"})


@pytest.mark.parametrize(
    "bytes_sent, kind, reason",
    [
        (b"", augstore.Unavailable, "closed the connection"),
        (GOOD[:-1], augstore.Unavailable, "in the middle of a reply"),
        (GOOD[:-1] + b"\xff", augstore.DataLoss, "body of .* bytes was damaged"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", augstore.InvalidArgument, "does not speak"),
        (reply("ServerInfoReply", {}, 7), augstore.DataLoss, "a reply to request 7"),
        (reply("EndReply", {}), augstore.InvalidArgument, "a EndReply came where a ServerInfoReply was due"),
        (seal(77, 1, b"12345678") + b"12345678", augstore.InvalidArgument, "message type 77"),
        (reply("ErrorReply", {"code": 3, "message": "it is there"}), augstore.AlreadyExists, "it is there"),
        (reply("ErrorReply", {"code": 99, "message": "what"}), augstore.Internal, "what"),
        (seal(101, 1, b"\xff" * 64) + b"\xff" * 64, augstore.InvalidArgument, "not a valid encoding"),
    ],
)
def test_a_server_that_answers_badly_is_an_error_with_its_reason(tmp_path, bytes_sent, kind, reason):
    server = FakeServer(tmp_path / "s", [bytes_sent])
    with pytest.raises(kind, match=reason):
        Client(server.address, Retry(total=0)).info()


def test_a_lost_request_is_sent_again_only_when_that_is_harmless(tmp_path):
    server = FakeServer(tmp_path / "a", [b"", reply("ServerInfoReply", {"version": "2"}, 2)])
    assert Client(server.address, Retry(total=5)).info()["version"] == "2"
    assert server.requests == 2
    server = FakeServer(tmp_path / "b", [b"", b""])
    client = Client(server.address, Retry(total=5))
    with pytest.raises(augstore.Unavailable, match="may have taken effect"):
        client._connection.call("DeleteRecordRequest", {"kind": 2, "ref": "c"}, "EndReply")
    assert server.requests == 1


def test_a_server_that_says_nothing_is_given_up_after_the_deadline(tmp_path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    channel = Channel(f"unix://{tmp_path}/s", io_timeout=0.2)
    with pytest.raises(augstore.DeadlineExceeded, match="did not reply for 0.2 s"):
        channel.receive()
    channel.close()
    listener.close()


@pytest.mark.parametrize("address", ["", "127.0.0.1:7411", "http://x", "unix://relative", "tcp://a:b:c", "tcp://h:70000", "tcp://"])
def test_an_address_that_is_none_is_refused_with_an_example(address):
    with pytest.raises(augstore.InvalidArgument, match="write|absolute"):
        augstore.connect(address)
