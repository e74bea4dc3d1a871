"""Clients of running servers: ``augstore.connect``."""

from __future__ import annotations

import os
from typing import Optional, Union

from ._channel import Retry
from ._endpoint import endpoint_of
from ._tls import Tls
from .client import Client


def connect(
    address: str,
    retry_seconds: float = 60.0,
    *,
    key: Optional[str] = None,
    key_file: Union[str, "os.PathLike[str]", None] = None,
    tls_ca: str = "",
    tls_cert: str = "",
    tls_key: str = "",
    traceparent: str = "",
) -> Client:
    """A client of the server at ``tcp://host:port``, ``tls://host:port`` or ``unix:///path.sock``.

    ``key``, or the key in ``key_file``, is presented on every connection; default for TCP: the key in the file that
    AUGSTORE_KEY_FILE names, else that of AUGSTORE_KEY.

    With ``tls://``, ``tls_ca`` names a file of the authorities that the server's certificate may come from (default: those of
    the system), ``tls_cert`` and ``tls_key`` a certificate of one's own, where the server wants one; all in PEM, or from
    AUGSTORE_TLS_CA, AUGSTORE_TLS_CERT and AUGSTORE_TLS_KEY.

    ``traceparent`` says which trace every request belongs to (W3C Trace Context); default: the current span of
    OpenTelemetry, when the program uses it, else the environment's TRACEPARENT.

    Raises InvalidArgument (address, key, files, traceparent), Unauthenticated (the server demands a key, or does not know
    this one; one side does not accept the other's certificate) and Unavailable (nobody answers for ``retry_seconds``; 0: do
    not try again).
    """
    client = Client(endpoint_of(address, key, key_file, Tls(tls_ca, tls_cert, tls_key), traceparent), Retry(total=retry_seconds))
    client.info()
    return client
