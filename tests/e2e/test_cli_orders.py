"""Further kinds of orders on the command line, against a whole running market without bots."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.market_process import RunningMarket, running_market

PASSWORD = "a long password"


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMarket]:
    """A market where only erin and frank trade, in each test another symbol."""
    with running_market(tmp_path_factory.mktemp("quiet"), "--no-bots") as quiet:
        for name in ("erin", "frank"):
            shares = ("--shares", "KRYP=500", "--shares", "PUPS=500")
            created = quiet.cli("account", "create", name, "--cash", "10000", *shares, password=PASSWORD)
            assert created.returncode == 0, created.stderr
        yield quiet


def told(market: RunningMarket, account: str, line: str) -> list[str]:
    """What the command line says; the first line without the order's number."""
    finished = market.cli("--as", account, *line.split())
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()


def last_order(market: RunningMarket, account: str) -> dict[str, object]:
    order: dict[str, object] = market.ask("--as", account, "orders")[-1]
    return order


def test_orders_of_every_kind(quiet: RunningMarket) -> None:
    told(quiet, "erin", "sell KRYP 100 --limit 21 --display 10 --tif day")
    assert quiet.ask("book", "KRYP")["asks"] == [[210_000, 10]]
    (text,) = [line for line in told(quiet, "erin", "orders") if "KRYP" in line]
    assert "limit, shows 10" in text
    assert " day " in text

    # Nothing is traded that must not be.
    said = told(quiet, "frank", "buy KRYP 101 --limit 21 --tif fok")
    assert said[1:] == ["ended with 101 unfilled: not all of it could be filled at once"]
    said = told(quiet, "erin", "buy KRYP 10 --limit 21 --tif ioc")
    assert said[1:] == ["ended with 10 unfilled: it would have traded with an order of yours"]
    assert told(quiet, "frank", "buy KRYP 5 --limit 21 --post-only")[0].endswith("accepted: buy 5 KRYP at 21.00")
    quiet.wait_until(lambda: quiet.ask("--as", "frank", "orders") == [], "post-only did not end the order")

    # A trade at 21 makes the last price; a stop waits below it, and triggers when a trade comes there.
    said = told(quiet, "frank", "buy KRYP 30 --limit 21 --tif fok")
    assert [line.split(" at ")[0] for line in said[1:]] == ["filled 10"] * 3
    told(quiet, "frank", "buy KRYP 50 --limit 20")
    told(quiet, "frank", "buy KRYP 7 --limit 19.95")
    assert told(quiet, "erin", "sell KRYP 20 --stop 20")[0].endswith("sell 20 KRYP at the market from 20.00 on")
    told(quiet, "erin", "sell KRYP 5 --trail 10%")
    trailing = last_order(quiet, "erin")
    assert (trailing["kind"], trailing["stop_price"], trailing["trail_basis_points"]) == ("trailing_stop", 189_000, 1_000)
    told(quiet, "erin", "sell KRYP 1 --limit 20 --tif ioc")
    quiet.wait_until(
        lambda: [order["kind"] for order in quiet.ask("--as", "erin", "orders")] == ["limit", "trailing_stop"],
        "the stop did not trigger",
    )
    assert quiet.ask("book", "KRYP")["bids"] == [[200_000, 29], [199_500, 7]]
    assert quiet.ask("audit")["passed"]


def test_replacing(quiet: RunningMarket) -> None:
    told(quiet, "erin", "buy PUPS 50 --limit 20")
    number = str(last_order(quiet, "erin")["order_id"])
    said = told(quiet, "erin", f"replace {number} --quantity 40")
    assert said == [f"replacing order {number}", "replaced: 40 open at 20.00, in its place in the queue"]
    said = told(quiet, "erin", f"replace {number} --quantity 60 --limit 20.10")
    assert said[1] == "replaced: 60 open at 20.10"
    assert quiet.ask("book", "PUPS")["bids"] == [[201_000, 60]]
    assert quiet.ask("--as", "erin", "portfolio")["cash_held"] == 60 * 201_000
    told(quiet, "frank", "sell PUPS 60 --limit 20.10")
    refused = quiet.cli("--as", "erin", "replace", number, "--quantity", "10")
    assert refused.returncode == 1
    assert refused.stderr.endswith("(unknown_order)\n")
    assert quiet.ask("audit")["passed"]
