"""The Python client in TLS: whom it trusts, what it says, and that batches are the same."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import ssl
import threading
import time

import pytest
from certificates import Certificates
from conftest import fill
from served import Served

import augstore
from augstore._channel import Channel
from augstore._tls import Tls


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def served(tmp_path_factory, certificates, rows, shift):
    server = Served(tmp_path_factory.mktemp("tls"), *certificates.issue("server", "DNS:localhost,IP:127.0.0.1"))
    with augstore.connect(server.tls, tls_ca=certificates.ca) as client:
        fill(client, rows, shift)
    yield server
    server.close()


def test_batches_and_queries_are_those_without_tls(served, certificates):
    streams = []
    for address in (served.tls, served.tcp):
        client = augstore.connect(address, tls_ca=certificates.ca)
        stream = client.stream("toy", split="train", policy="identity:1,shift@1:1", batch_size=64, seed=3)
        streams.append([batch.embeddings.tobytes() for batch in stream.epoch(0)])
        streams[-1].append(client.get("toy", range(1000)).tobytes())
    assert streams[0] == streams[1]
    assert len(streams[0]) == 17


def test_a_dataset_and_its_workers_connect_in_tls(served, certificates):
    client = augstore.connect(served.tls, tls_ca=certificates.ca)
    dataset = augstore.StreamDataset(client, "toy", batch_size=100, seed=1)
    alone = [batch.samples.tolist() for batch in dataset]
    assert alone == [batch.samples.tolist() for batch in augstore.StreamLoader(dataset, num_workers=2)]
    assert pickle.loads(pickle.dumps(client)).info() == client.info()


def test_files_come_from_the_environment_too(served, certificates, monkeypatch):
    monkeypatch.setenv("AUGSTORE_TLS_CA", certificates.ca)
    assert augstore.connect(served.tls).info()["version"]


def test_a_server_that_is_not_trusted_is_refused_at_once(served, certificates):
    certificates.authority("stranger")
    begin = time.monotonic()
    with pytest.raises(augstore.Unauthenticated, match="comes from no authority that is trusted here"):
        augstore.connect(served.tls)
    with pytest.raises(augstore.Unauthenticated, match="tls_ca"):
        augstore.connect(served.tls, tls_ca=certificates.file("stranger.pem"))
    with pytest.raises(augstore.Unauthenticated, match="not for the host 'localhost'"):
        augstore.connect(raw_server(*certificates.issue("other", "DNS:example.org")), tls_ca=certificates.ca)
    with pytest.raises(augstore.Unauthenticated, match="its certificate has expired"):
        augstore.connect(raw_server(*certificates.expired("old", "DNS:localhost")), tls_ca=certificates.ca)
    assert time.monotonic() - begin < 10  # none was tried again


def raw_server(certificate: str, key: str, version: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED) -> str:
    """The address of a peer that makes one handshake, by the ssl module alone, and says nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    listener = socket.create_server(("localhost", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as plain:
            try:
                with context.wrap_socket(plain, server_side=True) as peer:
                    peer.recv(1)
            except OSError:
                pass  # the client refused

    threading.Thread(target=serve, daemon=True).start()
    return f"tls://localhost:{listener.getsockname()[1]}"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_tls_1_1_is_refused_on_both_sides(served, certificates):
    address = raw_server(*certificates.issue("dated", "DNS:localhost"), ssl.TLSVersion.TLSv1_1)
    with pytest.raises(augstore.InvalidArgument, match="does not speak TLS 1.2 or newer"):
        augstore.connect(address, tls_ca=certificates.ca)
    context = ssl.create_default_context(cafile=certificates.ca)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", int(served.tls.rsplit(":", 1)[1]))) as plain:
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            context.wrap_socket(plain, server_hostname="localhost")


def test_tls_on_one_side_alone_says_what_to_write(served, certificates):
    with pytest.raises(augstore.InvalidArgument, match="write tcp:// instead of tls://"):
        augstore.connect(served.tcp.replace("tcp:", "tls:"), tls_ca=certificates.ca)
    with pytest.raises(augstore.InvalidArgument, match="write tls:// instead of tcp://"):
        augstore.connect(served.tls.replace("tls:", "tcp:"))


def test_a_server_may_want_certificates_of_its_clients(tmp_path, certificates):
    certificates.authority("intruders")
    own = certificates.issue("mutual", "DNS:localhost,IP:127.0.0.1")
    server = Served(tmp_path, *own, "--tls-client-ca", certificates.ca)
    try:
        with pytest.raises(augstore.Unauthenticated, match="it wants a certificate of its clients: give tls_cert"):
            augstore.connect(server.tls, tls_ca=certificates.ca)
        cert, key = certificates.issue("intruder", "DNS:intruder", "intruders")
        with pytest.raises(augstore.Unauthenticated, match="does not accept this client's certificate"):
            augstore.connect(server.tls, tls_ca=certificates.ca, tls_cert=cert, tls_key=key)
        cert, key = certificates.issue("trainer", "DNS:trainer")
        assert augstore.connect(server.tls, tls_ca=certificates.ca, tls_cert=cert, tls_key=key).info()
        os.chmod(key, 0o644)
        with pytest.raises(augstore.InvalidArgument, match="others can read the key"):
            augstore.connect(server.tls, tls_ca=certificates.ca, tls_cert=cert, tls_key=key)
        with pytest.raises(augstore.InvalidArgument, match="give both or neither"):
            augstore.connect(server.tls, tls_ca=certificates.ca, tls_cert=cert)
        with pytest.raises(augstore.InvalidArgument, match="'/nowhere.pem' cannot be used"):
            augstore.connect(server.tls, tls_ca="/nowhere.pem")
    finally:
        server.close()


def test_a_reload_drops_no_stream_and_new_connections_see_the_new_certificate(tmp_path, certificates, rows, shift):
    cert, key = certificates.issue("first", "DNS:localhost,IP:127.0.0.1")
    server = Served(tmp_path, cert, key)
    try:
        client = augstore.connect(server.tls, 0, tls_ca=certificates.ca)
        fill(client, rows, shift)
        stream = client.stream("toy", split="train", batch_size=8)
        expected = [batch.samples.tolist() for batch in stream.epoch(0)]
        streaming = stream.epoch(0, prefetch=0)
        got = [next(streaming).samples.tolist()]
        # A certificate without its key stays out; both together come in.
        new_cert, new_key = certificates.issue("second", "DNS:localhost,IP:127.0.0.1")
        for source, target, name in ((new_cert, cert, b"first"), (new_key, key, b"second")):
            os.replace(source, target)
            server.process.send_signal(signal.SIGHUP)
            for _ in range(100):
                if (b"stays as it was" if name == b"first" else b"CN=second") in server.errors.read_bytes():
                    break
                time.sleep(0.05)
            assert name in certificate_at(server.tls)
        got += [batch.samples.tolist() for batch in streaming]
        assert got == expected
        assert client.info()
    finally:
        server.close()


def certificate_at(address: str) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    host, port = address[len("tls://") :].split(":")
    with socket.create_connection((host, int(port))) as plain, context.wrap_socket(plain) as peer:
        return peer.getpeercert(binary_form=True) or b""


def test_waits_have_deadlines_and_can_be_interrupted(certificates):
    address = raw_server(*certificates.issue("silent", "DNS:localhost"))
    channel = Channel(address, io_timeout=0.2, tls=Tls(ca=certificates.ca))
    with pytest.raises(augstore.DeadlineExceeded, match="did not reply for 0.2 s"):
        channel.receive()
    channel.close()
    address = raw_server(*certificates.issue("mute", "DNS:localhost"))
    channel = Channel(address, tls=Tls(ca=certificates.ca))
    timer = threading.Timer(0.2, channel.interrupt)
    timer.start()
    with pytest.raises(augstore.Unavailable):
        channel.receive()
    timer.join()
    channel.close()
