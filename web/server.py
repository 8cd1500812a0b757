"""Hands out the page: static files, where the market is, and whether this process is well. Nothing else is reachable."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .page import Page

CHART_STYLE: Final = "'sha256-3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY='"
"""The one style element that lightweight-charts makes: its logo's, named by its hash so that no other is allowed."""
LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}
ANY: Final = {"0.0.0.0", "::"}
HOST_NAME: Final = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9a-fA-F:.]{2,45}")


class Market(NamedTuple):
    """What the page must know before it can connect."""

    title: str
    sign_up: bool
    """Whether guests may open an account."""
    websocket: str
    """ws://host:port of the NATS server's websocket listener; wss:// with TLS. Of several servers with commas between them."""
    invitation: bool = False
    """Whether that takes a code."""


def application(page: Page, market: Market, healthy: Callable[[], bool]) -> Starlette:
    """The web application. `healthy` tells whether this process reaches the market."""

    async def config(request: Request) -> Response:
        answer = {
            "title": market.title,
            "sign_up": market.sign_up,
            "invitation": market.invitation,
            "websocket": websocket_address(market.websocket, request.url.hostname or ""),
        }
        return JSONResponse(answer, headers=secured(request, {"cache-control": "no-store"}))

    async def health(request: Request) -> Response:
        well = healthy()
        status = "ok" if well else "no connection to the market"
        return JSONResponse({"status": status}, 200 if well else 503, secured(request, {"cache-control": "no-store"}))

    async def file(request: Request) -> Response:
        found = page.file(request.path_params["path"] or "index.html")
        if found is None:
            return PlainTextResponse("There is nothing at this address.\n", 404, secured(request, {}))
        headers = {"cache-control": "no-cache", "etag": found.etag, "vary": "accept-encoding"}
        if unchanged(request.headers, found.etag):
            return Response(status_code=304, headers=secured(request, headers))
        content = found.content
        if found.compressed is not None and accepts_gzip(request.headers):
            content = found.compressed
            headers["content-encoding"] = "gzip"
        return Response(content, headers=secured(request, headers), media_type=found.type)

    def secured(request: Request, headers: dict[str, str]) -> dict[str, str]:
        address = websocket_address(market.websocket, request.url.hostname or "")
        encrypted = {"strict-transport-security": "max-age=31536000"} if request.url.scheme == "https" else {}
        return headers | security_headers(address) | encrypted

    return Starlette(
        routes=[Route("/config.json", config), Route("/healthz", health), Route("/{path:path}", file)],
    )


def websocket_address(configured: str, host: str) -> str:
    """The market's address, or addresses, as a browser must name them that asked for the page at `host`.

    A listener on every interface, or one on loopback that is reached from elsewhere (a forwarded port), has the name
    that the browser used for the page. Any other address is taken as it is.
    """
    return ",".join(_seen_from(host, address) for address in configured.split(","))


def _seen_from(host: str, configured: str) -> str:
    parts = urlsplit(configured)
    local = parts.hostname in LOOPBACK and host not in LOOPBACK
    if not (parts.hostname in ANY or local) or HOST_NAME.fullmatch(host) is None:
        return configured
    name = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{name}{port}{parts.path}"


def security_headers(websocket: str) -> dict[str, str]:
    """What a browser may do with the page: run its own scripts, talk to its own origin and to the market, and no more."""
    policy = {
        "default-src": "'self'",
        "connect-src": f"'self' {websocket.replace(',', ' ')}".strip(),
        "style-src": f"'self' {CHART_STYLE}",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }


def accepts_gzip(headers: Headers) -> bool:
    """Whether a request's Accept-Encoding allows gzip."""
    for entry in headers.get("accept-encoding", "").split(","):
        name, _, weight = entry.strip().partition(";")
        if name.strip() in ("gzip", "*"):
            return re.fullmatch(r"q=0(\.0*)?", weight.strip()) is None
    return False


def unchanged(headers: Headers, etag: str) -> bool:
    """Whether the browser has this very content already."""
    return etag in (entry.strip().removeprefix("W/") for entry in headers.get("if-none-match", "").split(","))
