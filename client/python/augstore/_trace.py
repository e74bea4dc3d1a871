"""The trace that requests belong to, as W3C Trace Context writes it (docs/protocol.md, SetTraceRequest)."""

from __future__ import annotations

import os
import re
import sys

from . import errors

_TRACEPARENT = re.compile(r"(?:00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}|"
                          r"(?!00|ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?)")  # fmt: skip


def check_traceparent(text: str) -> str:
    """``text``, if it is a traceparent or empty. Raises InvalidArgument."""
    if text and _TRACEPARENT.fullmatch(text) is None:
        raise errors.InvalidArgument(
            f"traceparent '{text}' is none of W3C Trace Context: write 00-, 32, 16 and 2 hexadecimal digits in lower case "
            "with '-' between them; no id is all 0"
        )
    return text


def current_traceparent() -> str:
    """Of the span that OpenTelemetry has for this thread or task, else the environment's TRACEPARENT, if it is one; else "".

    OpenTelemetry is not imported here: a program that has not imported it has no span.
    """
    trace = sys.modules.get("opentelemetry.trace")
    if trace is not None:
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
    text = os.environ.get("TRACEPARENT", "")
    # What is in the environment may be for others, so what is wrong there is left out.
    return text if text and _TRACEPARENT.fullmatch(text) else ""
