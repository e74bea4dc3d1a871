"""The server's spans in the trace of a Python program, as a collector gets them."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
import time
import types

import pytest

import augstore
from augstore._trace import check_traceparent, current_traceparent
from conftest import fill

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{SPAN}-01"
PATIENCE = 60.0


class Collector:
    """Takes OTLP/JSON and keeps its spans."""

    def __init__(self):
        collector = self
        self.spans = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                collector.spans += request["resourceSpans"][0]["scopeSpans"][0]["spans"]
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/traces"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, name, parent=None):
        """The first span of this name, and of this parent, if it is given."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for span in list(self.spans):
                if span["name"] == name and parent in (None, span["parentSpanId"]):
                    return span
            time.sleep(0.01)
        raise AssertionError(f"no span {name} of {parent} in {self.spans}")


@pytest.fixture(scope="module")
def traced(tmp_path_factory, rows, shift):
    """(collector, address) of a server that exports spans, whose store is filled."""
    folder = tmp_path_factory.mktemp("traced")
    with augstore.open(folder / "db", create=True) as client:
        fill(client, rows, shift)
    collector = Collector()
    command = [os.environ["AUGSTORE_BINARY"], "serve", "--store", str(folder / "db"), "--json", "--parent", str(os.getpid())]
    log = folder / "log"
    with log.open("wb") as errors:
        server = subprocess.Popen(command + ["--traces", collector.url, "--log-format", "json"], stdout=subprocess.PIPE, stderr=errors)
    said = b""
    while not said.rstrip().endswith(b"}"):
        line = server.stdout.readline()
        assert line, log.read_text()
        said += line
    collector.log = log
    yield collector, json.loads(said)["listening"][0]
    server.terminate()
    server.wait(30)
    server.stdout.close()
    collector.server.shutdown()


@pytest.fixture(autouse=True)
def no_trace(monkeypatch):
    monkeypatch.delenv("TRACEPARENT", raising=False)


class Standin:
    """What OpenTelemetry's API says of the current span, without OpenTelemetry."""

    def __init__(self, monkeypatch):
        self.context = types.SimpleNamespace(is_valid=False, trace_id=0, span_id=0, trace_flags=0)
        span = types.SimpleNamespace(get_span_context=lambda: self.context)
        module = types.ModuleType("opentelemetry.trace")
        module.get_current_span = lambda: span
        monkeypatch.setitem(sys.modules, "opentelemetry.trace", module)

    def enter(self, span_id, trace_id=int(TRACE, 16), flags=1):
        self.context = types.SimpleNamespace(is_valid=True, trace_id=trace_id, span_id=span_id, trace_flags=flags)

    def leave(self):
        self.context = types.SimpleNamespace(is_valid=False, trace_id=0, span_id=0, trace_flags=0)


def attributes(span):
    return {entry["key"]: next(iter(entry["value"].values())) for entry in span["attributes"]}


def test_requests_belong_to_the_span_that_is_current_when_they_are_sent(traced, monkeypatch):
    collector, address = traced
    current = Standin(monkeypatch)
    client = augstore.connect(address)
    current.enter(0xA1)
    client.get("toy", [1, 2])
    current.enter(0xA2)
    client.get("toy", [3])
    current.leave()
    client.get("toy", [4])
    first = collector.wait_for("Query toy", f"{0xA1:016x}")
    assert first["traceId"] == TRACE and first["kind"] == 2
    assert attributes(first)["db.system.name"] == "augstore"
    assert attributes(first)["db.collection.name"] == "toy"
    collector.wait_for("Query toy", f"{0xA2:016x}")
    current.enter(0xA3)
    client.info()
    collector.wait_for("ServerInfo", f"{0xA3:016x}")
    queries = [span for span in collector.spans if span["name"] == "Query toy" and span["parentSpanId"].startswith("00000000000000a")]
    assert len(queries) == 2, "the last query was in no span"


@pytest.mark.parametrize("prefetch", [0, 4])
def test_a_run_of_batches_belongs_to_the_span_in_which_it_is_read(traced, monkeypatch, prefetch):
    collector, address = traced
    current = Standin(monkeypatch)
    stream = augstore.connect(address).stream("toy", split="", policy="identity:1,shift@1:1", batch_size=100)
    current.enter(0xB0 + prefetch)
    batches = stream.epoch(prefetch, prefetch=prefetch)
    next(batches)
    current.leave()  # the thread that receives has no span in any case
    count = 1 + sum(1 for _ in batches)
    span = collector.wait_for("Batches toy", f"{0xB0 + prefetch:016x}")
    said = attributes(span)
    assert (said["augstore.batches"], said["augstore.rows"], said["augstore.epoch"]) == (str(count), "1100", str(prefetch))
    assert said["augstore.transform_seconds"] >= 0


def test_the_log_has_the_trace_of_a_stream(traced, monkeypatch):
    collector, address = traced
    monkeypatch.setenv("TRACEPARENT", f"00-{'c' * 32}-{SPAN}-00")
    for _ in augstore.connect(address).stream("toy", split="", batch_size=200).epoch(0):
        pass
    deadline = time.monotonic() + PATIENCE
    while f'"trace_id":"{"c" * 32}"' not in collector.log.read_text():
        assert time.monotonic() < deadline, collector.log.read_text()
        time.sleep(0.01)
    assert not [span for span in collector.spans if span["traceId"] == "c" * 32], "it is not sampled"


def test_the_environment_and_the_argument_name_a_trace(traced, monkeypatch):
    collector, address = traced
    monkeypatch.setenv("TRACEPARENT", f"00-{TRACE}-{'d' * 16}-01")
    augstore.connect(address).collection("toy")
    collector.wait_for("GetRecord toy", "d" * 16)
    augstore.connect(address, traceparent=f"00-{TRACE}-{'e' * 16}-01").collection("toy")
    collector.wait_for("GetRecord toy", "e" * 16)


def test_the_program_takes_the_trace_of_its_environment(traced):
    collector, address = traced
    words = [os.environ["AUGSTORE_BINARY"], "stats", "--connect", address, "--json"]
    subprocess.run(words, check=True, capture_output=True, env={**os.environ, "TRACEPARENT": f"00-{TRACE}-{'f' * 16}-01"})
    collector.wait_for("Stats", "f" * 16)


def test_a_reconnect_names_the_trace_again(traced):
    collector, address = traced
    client = augstore.connect(address, traceparent=f"00-{TRACE}-{'9' * 16}-01")
    client.close()
    client.get("toy", [5])
    collector.wait_for("Query toy", "9" * 16)


def test_a_damaged_trace_is_refused_or_left_out(traced, monkeypatch):
    _, address = traced
    for text in (SAMPLED[:-1], SAMPLED.upper(), f"00-{'0' * 32}-{SPAN}-01", "ff" + SAMPLED[2:], SAMPLED + "-"):
        with pytest.raises(augstore.InvalidArgument, match="traceparent"):
            augstore.connect(address, traceparent=text)
        monkeypatch.setenv("TRACEPARENT", text)
        assert current_traceparent() == ""
    assert check_traceparent("cc" + SAMPLED[2:] + "-later") != ""
    augstore.connect(address).info()


def test_a_server_that_knows_no_traces_is_used_without(client, monkeypatch):
    monkeypatch.setitem(augstore._endpoint.MESSAGE_TYPES, "SetTraceRequest", 99)  # as to a server from before
    asked = augstore.connect(client.address, traceparent=SAMPLED)
    assert len(asked.get("toy", [1])) == 1
    assert asked.collection("toy").name == "toy"


def test_the_spans_of_a_program_with_opentelemetry_are_the_parents(traced):
    sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="opentelemetry-sdk is not installed: pip install opentelemetry-sdk")
    collector, address = traced
    tracer = sdk.TracerProvider().get_tracer("test")
    client = augstore.connect(address)
    with tracer.start_as_current_span("training") as span:
        client.get("toy", [1])
        for _ in client.stream("toy", split="", batch_size=500).epoch(0):
            pass
    context = span.get_span_context()
    parent = f"{context.span_id:016x}"
    assert collector.wait_for("Query toy", parent)["traceId"] == f"{context.trace_id:032x}"
    assert collector.wait_for("Batches toy", parent)["traceId"] == f"{context.trace_id:032x}"
