"""The tokens of NATS' auth callout: what the server asks, and the signed answer that says what a connection may do.

A token is a JWT, `header.claims.signature` in base64url without padding, signed with Ed25519 by an NKEY.
"""

from __future__ import annotations

import base64
import secrets as random_source
from typing import Any, Final

import msgspec
import nkeys

from exchange.permissions import Permissions

HEADER: Final = b'{"typ":"JWT","alg":"ed25519-nkey"}'
VERSION: Final = 2
"""Of the claims' format."""
UNLIMITED: Final = -1
ONE_MINUTE: Final = 60_000_000_000


class TokenError(Exception):
    """What the server asked cannot be read."""


class ServerId(msgspec.Struct, frozen=True):
    """Which server asks."""

    id: str


class ClientInformation(msgspec.Struct, frozen=True):
    """What the server knows about a connection."""

    host: str = ""
    id: int = 0
    type: str = ""
    """`nats` or `websocket`."""
    name: str = ""


class ConnectOptions(msgspec.Struct, frozen=True):
    """What the client sent to log in."""

    user: str = ""
    password: str = msgspec.field(default="", name="pass")

    def __repr__(self) -> str:
        return f"ConnectOptions({self.user!r}, …)"


class LoginRequest(msgspec.Struct, frozen=True):
    """One log-in that the server asks about."""

    server_id: ServerId
    user_nkey: str
    """The server's name for this connection; the answer is valid for it alone."""
    client_info: ClientInformation
    connect_opts: ConnectOptions


class _Claims(msgspec.Struct, frozen=True):
    nats: LoginRequest


_decode_claims: Final = msgspec.json.Decoder(_Claims).decode


def read_request(token: bytes) -> LoginRequest:
    """The log-in request in a token of the server. Raises TokenError.

    Its signature is not looked at: only the server can publish where it comes from, and its key is new at each start.
    """
    try:
        _, claims, _ = token.split(b".")
        return _decode_claims(base64.b64decode(claims + b"=" * (-len(claims) % 4), altchars=b"-_", validate=True)).nats
    except ValueError as error:  # The text is not shown, it may quote a password.
        raise TokenError(f"not a log-in request ({type(error).__name__})") from None


class Issuer:
    """Signs answers with the key that the server trusts."""

    def __init__(self, seed: str) -> None:
        self._key = nkeys.from_seed(seed.encode())
        self._name = bytes(self._key.public_key).decode()

    def user(self, connection: str, name: str, account: str, allowed: Permissions, now: int, end: int = 0) -> str:
        """A token that makes the connection the user `name` of a NATS account. `now` and `end` in seconds since 1970.

        At `end` the server closes the connection; 0 for never.
        """
        nats: dict[str, Any] = {
            "type": "user",
            "version": VERSION,
            "pub": {"allow": allowed.publish},
            "sub": {"allow": allowed.subscribe},
            "subs": UNLIMITED,
            "data": UNLIMITED,
            "payload": UNLIMITED,
        }
        if allowed.answers:
            nats["resp"] = {"max": 1, "ttl": ONE_MINUTE}
        claims = {"sub": connection, "name": name, "aud": account, "nats": nats}
        return self._sign(claims | {"exp": end} if end else claims, now)

    def grant(self, request: LoginRequest, user_token: str, now: int) -> bytes:
        """Let the connection in."""
        return self._answer(request, {"jwt": user_token}, now)

    def refuse(self, request: LoginRequest, reason: str, now: int) -> bytes:
        """Keep the connection out. The reason stands in the server's log; the client learns nothing."""
        return self._answer(request, {"error": reason}, now)

    def _answer(self, request: LoginRequest, content: dict[str, Any], now: int) -> bytes:
        nats = {"type": "authorization_response", "version": VERSION, **content}
        return self._sign({"sub": request.user_nkey, "aud": request.server_id.id, "nats": nats}, now).encode()

    def _sign(self, claims: dict[str, Any], now: int) -> str:
        claims = {"iss": self._name, "iat": now, "jti": random_source.token_hex(16), **claims}
        signed = _encode(HEADER) + b"." + _encode(msgspec.json.encode(claims))
        return (signed + b"." + _encode(self._key.sign(signed))).decode()


def _encode(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
