"""TLS for addresses in tls://: whom to trust, and what to say when that fails."""

from __future__ import annotations

import os
import socket
import ssl
import stat
from typing import NamedTuple, Optional

from . import errors

_ALERTS_ABOUT_US = (
    "UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_EXPIRED", "CERTIFICATE_REVOKED", "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE", "ACCESS_DENIED",
)  # fmt: skip
# Of OpenSSL's X509_V_ERR_*.
_NOT_YET_VALID, _EXPIRED, _OTHER_HOST, _OTHER_IP = 9, 10, 62, 64


class Tls(NamedTuple):
    """Files in PEM; an empty name stands for the environment's AUGSTORE_TLS_CA, AUGSTORE_TLS_CERT and AUGSTORE_TLS_KEY.

    Without any authorities, those of the system are trusted.
    """

    ca: str = ""
    cert: str = ""
    key: str = ""

    def wrap(self, plain: socket.socket, host: str, address: str) -> ssl.SSLSocket:
        """TLS over a connected socket, whose peer has proved that it is ``host``. Raises Unauthenticated and others."""
        context = self._context()
        try:
            return context.wrap_socket(plain, server_hostname=host)
        except OSError as error:
            failure = error_of(error, address, host)
            if failure is None:
                raise
            raise failure from error

    def _context(self) -> ssl.SSLContext:
        ca = self.ca or os.environ.get("AUGSTORE_TLS_CA", "")
        cert = self.cert or os.environ.get("AUGSTORE_TLS_CERT", "")
        key = self.key or os.environ.get("AUGSTORE_TLS_KEY", "")
        if bool(cert) != bool(key):
            raise errors.InvalidArgument("a certificate and its key belong together: give both or neither")
        try:
            context = ssl.create_default_context(cafile=ca or None)
        except (OSError, ssl.SSLError) as error:
            raise errors.InvalidArgument(f"the authorities' file '{ca}' cannot be used: {error}: give a file in PEM") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if cert:
            _load(context, cert, key)
        return context


def _load(context: ssl.SSLContext, cert: str, key: str) -> None:
    try:
        info = os.stat(key)
        # A group that root chose is meant to read it.
        allowed = stat.S_IRWXU | (stat.S_IRGRP if info.st_uid == 0 else 0)
        if stat.S_IMODE(info.st_mode) & ~allowed:
            raise errors.InvalidArgument(f"others can read the key '{key}': take their rights away (chmod 600 {key})")
        context.load_cert_chain(cert, key, password="")  # never asks at the terminal
    except (OSError, ssl.SSLError) as error:
        raise errors.InvalidArgument(
            f"the certificate '{cert}' and the key '{key}' cannot be used: {error}: give files in PEM"
        ) from error


def error_of(error: OSError, address: str, host: str = "") -> Optional[errors.Error]:
    """What an error of TLS means; None: the connection failed without one."""
    peer = f"the server at {address}"
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in (_OTHER_HOST, _OTHER_IP):
            return errors.Unauthenticated(
                f"{peer}: its certificate is not for the host '{host}': connect by a name that it has, or make one for "
                "this name"
            )
        if error.verify_code == _EXPIRED:
            return errors.Unauthenticated(f"{peer}: its certificate has expired: renew it on the server")
        if error.verify_code == _NOT_YET_VALID:
            return errors.Unauthenticated(f"{peer}: its certificate is not valid yet: check the clocks")
        return errors.Unauthenticated(
            f"{peer}: its certificate comes from no authority that is trusted here ({error.verify_message}): name the "
            "authority with tls_ca (AUGSTORE_TLS_CA)"
        )
    if not isinstance(error, ssl.SSLError) or isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return None
    reason = error.reason or ""
    if "ALERT_CERTIFICATE_REQUIRED" in reason:
        return errors.Unauthenticated(
            f"{peer}: it wants a certificate of its clients: give tls_cert and tls_key (AUGSTORE_TLS_CERT, AUGSTORE_TLS_KEY)"
        )
    if any(reason.endswith(f"ALERT_{alert}") for alert in _ALERTS_ABOUT_US):
        return errors.Unauthenticated(f"{peer}: it does not accept this client's certificate ({reason}): give another one")
    if reason in ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"):
        return errors.InvalidArgument(f"{peer}: it does not speak TLS 1.2 or newer: renew its software")
    if host and reason in ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG"):
        return errors.InvalidArgument(f"{peer}: it does not speak TLS: write tcp:// instead of tls://")
    if host:
        return errors.Unavailable(f"{peer}: the TLS handshake failed: {error}")
    return errors.DataLoss(f"{peer}: its bytes were damaged on their way ({reason}): connect again")
