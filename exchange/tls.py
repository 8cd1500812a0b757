"""TLS: the certificate a market listens with, and how its own processes and clients recognise it."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any, Final, NamedTuple

CERTIFICATE_VARIABLE: Final = "EXCHANGE_CERTIFICATE"
"""Names the file of a market's own certificate: for one that no authority has signed, and for the market's own processes."""


class TlsError(Exception):
    """The certificate and its key cannot be used; the text is one line for people."""


class Tls(NamedTuple):
    """Files in PEM format."""

    certificate: Path
    key: Path


def check(tls: Tls) -> list[str]:
    """The host names and addresses that the certificate is for. Raises TlsError."""
    for path in tls:
        try:
            path.read_bytes()
        except OSError as error:
            raise TlsError(f"{path}: {error.strerror}") from None
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        served.load_cert_chain(tls.certificate, tls.key, password="")
        trusting = _trusting(tls.certificate)
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", "") or "no certificate and key in PEM format"
        raise TlsError(f"{tls.certificate} and {tls.key} do not fit: {str(reason).replace('_', ' ').lower()}") from None
    try:
        names = _names(served, trusting)
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason
        raise TlsError(f"{tls.certificate} cannot be used: {reason}") from None
    if not names:
        raise TlsError(f"{tls.certificate} names no host (subjectAltName); browsers take no such certificate")
    return names


def client_options(server: str) -> dict[str, Any]:
    """What nats-py needs to connect to tls://host:port, by the certificate of EXCHANGE_CERTIFICATE or any authority's."""
    if not server.startswith("tls://"):
        return {}
    named = os.environ.get(CERTIFICATE_VARIABLE)
    return {"tls": _trusting(Path(named)) if named else ssl.create_default_context()}


def _trusting(certificate: Path) -> ssl.SSLContext:
    """Trusts this certificate alone, under whatever name its server is reached."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(certificate)
    return context


def _names(served: ssl.SSLContext, trusting: ssl.SSLContext) -> list[str]:
    """A whole handshake in memory: what does not work here would not work over the network either."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = served.wrap_bio(to_server, to_client, server_side=True)
    client = trusting.wrap_bio(to_client, to_server)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    certificate = client.getpeercert() or {}
    entries: Any = certificate.get("subjectAltName", ())
    return [value for kind, value in entries if kind in ("DNS", "IP Address")]
