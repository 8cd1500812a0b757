"""What the page's server sends, for every kind of request."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from web.page import PAGE, Page, load_page
from web.server import Market, application, websocket_address

MARKET = Market("Test Exchange", True, "ws://127.0.0.1:9222")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


Get = Callable[..., Awaitable[Answer]]


def getter(page: Page, market: Market = MARKET, *, healthy: bool = True) -> Get:
    """Asks the application as a web server would."""
    app = application(page, market, lambda: healthy)

    async def get(path: str, method: str = "GET", host: str = "127.0.0.1:8080", **headers: str) -> Answer:
        named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(), "root_path": "",
            "scheme": "http", "query_string": b"", "headers": [(b"host", host.encode()), *named], "server": ("127.0.0.1", 8080),
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, body)

    return get


@pytest.fixture(scope="module")
def get() -> Get:
    return getter(load_page())


async def test_the_page(get: Get) -> None:
    answer = await get("/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.body == (PAGE / "index.html").read_bytes()


async def test_compressed_for_those_who_take_it(get: Get) -> None:
    plain, packed = await get("/vendor/nats.js"), await get("/vendor/nats.js", accept_encoding="br, gzip;q=0.8")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-type"] == "text/javascript; charset=utf-8"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 3
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"
    refused = await get("/vendor/nats.js", accept_encoding="gzip;q=0")
    assert "content-encoding" not in refused.headers
    font = await get("/vendor/inter.woff2", accept_encoding="gzip")
    assert "content-encoding" not in font.headers


async def test_unchanged_files_are_not_sent_again(get: Get) -> None:
    first = await get("/main.js")
    assert first.headers["cache-control"] == "no-cache"
    for known in (first.headers["etag"], f'"other", W/{first.headers["etag"]}'):
        again = await get("/main.js", if_none_match=known)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert (await get("/main.js", if_none_match='"other"')).status == 200


async def test_head_and_other_methods(get: Get) -> None:
    assert (await get("/main.js", method="HEAD")).status == 200
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert (await get("/main.js", method=method)).status == 405


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/../server.py",
        "/..%2fserver.py",
        "/vendor/../../server.py",
        "//etc/passwd",
        "/vendor/",
        "/.git/config",
        "/page/",
    ],
)
async def test_nothing_else_can_be_had(get: Get, path: str) -> None:
    answer = await get(path)
    assert answer.status == 404
    assert "content-security-policy" in answer.headers


async def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("first")
    get = getter(Page(tmp_path))
    assert (await get("/")).body == b"first"
    (tmp_path / "index.html").write_text("second, and longer")
    assert (await get("/")).body == b"second, and longer"
    (tmp_path / "index.html").unlink()
    assert (await get("/")).status == 404


async def test_every_answer_is_fenced_in(get: Get) -> None:
    for path in ("/", "/config.json", "/healthz", "/nothing", "/main.js"):
        headers = (await get(path)).headers
        policy = dict(entry.split(" ", 1) for entry in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'self'"
        assert policy["connect-src"] == "'self' ws://127.0.0.1:9222"
        assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


async def test_the_page_is_told_where_the_market_is(get: Get) -> None:
    answer = await get("/config.json")
    assert answer.headers["cache-control"] == "no-store"
    told = {"title": "Test Exchange", "sign_up": True, "invitation": False, "websocket": "ws://127.0.0.1:9222"}
    assert json.loads(answer.body) == told


async def test_a_browser_elsewhere_is_told_the_name_it_knows() -> None:
    get = getter(load_page(), MARKET._replace(websocket="ws://0.0.0.0:9222"))
    answer = await get("/config.json", host="market.example:80")
    assert json.loads(answer.body)["websocket"] == "ws://market.example:9222"
    assert "connect-src 'self' ws://market.example:9222;" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("configured", "host", "address"),
    [
        ("ws://127.0.0.1:9222", "localhost", "ws://127.0.0.1:9222"),
        ("ws://127.0.0.1:9222", "192.168.1.5", "ws://192.168.1.5:9222"),
        ("ws://0.0.0.0:9222", "localhost", "ws://localhost:9222"),
        ("ws://0.0.0.0:9222", "::1", "ws://[::1]:9222"),
        ("wss://market.example/ws", "market.example", "wss://market.example/ws"),
        ("ws://nats.internal:9222", "market.example", "ws://nats.internal:9222"),
        ("ws://0.0.0.0:9222", "evil; script-src *", "ws://0.0.0.0:9222"),
        ("ws://0.0.0.0:9222", "", "ws://0.0.0.0:9222"),
        ("ws://127.0.0.1:1,ws://127.0.0.1:2", "market.example", "ws://market.example:1,ws://market.example:2"),
    ],
)
def test_websocket_address(configured: str, host: str, address: str) -> None:
    assert websocket_address(configured, host) == address


@pytest.mark.parametrize("host", ["evil.example; script-src *", "a b", "a,b", "<b>", "a'b"])
async def test_a_forged_host_never_reaches_the_policy(host: str) -> None:
    get = getter(load_page(), MARKET._replace(websocket="ws://0.0.0.0:9222"))
    policy = (await get("/", host=host)).headers["content-security-policy"]
    assert re.search(r"connect-src 'self' ws://(0\.0\.0\.0|127\.0\.0\.1):9222; style-src", policy)
    assert "script-src" not in policy


async def test_health() -> None:
    well, ill = getter(load_page()), getter(load_page(), healthy=False)
    assert ((await well("/healthz")).status, (await ill("/healthz")).status) == (200, 503)
