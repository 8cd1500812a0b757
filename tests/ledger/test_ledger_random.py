"""Random traders, operators, crashes and market files against the ledger; the harness checks everything after every turn."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.market import Bands, Fees, Limits
from exchange.messages.account import AccountRulesQuestion
from exchange.messages.administration import Disconnected, PhaseRequest
from exchange.messages.base import Phase, Side, encode
from exchange.messages.events import CancelReason
from exchange.messages.requests import Bracket, Cancel, CancelAll, Command, Oco, Replace, Submit
from ledger.desk import DISCONNECTED, PHASE, RULES
from tests.oracle.ledger_market import SECOND, START, SmallMarket, small_market

NEW_REPORTS = ("ordertriggered", "orderreplaced", "orderreplacerefused", "orderdecremented", "orderactivated")
PHASES: tuple[Phase, ...] = ("pre_open", "opening_auction", "continuous", "halted", "closing_auction", "closed")
ACCOUNTS = ("alice", "bob", "carol", "nobody", "$bank")
SYMBOLS = ("KRYP", "ADAM", "NONE")

ids = st.integers(0, 200).map(lambda number: f"id-{number}")
sides = st.sampled_from(("buy", "sell"))
plain = st.builds(  # Most of these are accepted, and most of those trade.
    Submit,
    client_order_id=ids,
    symbol=st.sampled_from(("KRYP", "KRYP", "ADAM")),
    side=sides,
    quantity=st.integers(1, 6).map(lambda lots: lots * 10),
    kind=st.sampled_from(("limit", "limit", "limit", "market")),
    price=st.integers(2_040, 2_060).map(lambda price: price * 100 // 500 * 500),
    tif=st.sampled_from(("gtc", "gtc", "ioc")),
)
prices = st.integers(2_040, 2_060).map(lambda price: price * 100 // 500 * 500)
modes = st.sampled_from((None, None, "allow", "cancel_oldest", "cancel_both", "decrement"))
symbols = st.sampled_from(("KRYP", "KRYP", "ADAM"))
lots = st.integers(1, 6).map(lambda lots: lots * 10)
flagged = st.builds(
    Submit,
    client_order_id=ids,
    symbol=symbols,
    side=sides,
    quantity=lots,
    price=prices,
    tif=st.sampled_from(("gtc", "day", "fok", "ioc")),
    post_only=st.sampled_from((False, False, True)),
    display=st.sampled_from((0, 0, 10)),
    self_trade=modes,
)
dated = st.builds(
    Submit,
    client_order_id=ids,
    symbol=symbols,
    side=sides,
    quantity=lots,
    price=prices,
    tif=st.just("gtd"),
    expires=st.integers(0, 20).map(lambda seconds: START + seconds * SECOND),
    self_trade=modes,
)
stops = st.builds(
    Submit,
    client_order_id=ids,
    symbol=symbols,
    side=sides,
    quantity=lots,
    kind=st.just("stop"),
    stop_price=prices,
    tif=st.sampled_from(("gtc", "day")),
    self_trade=modes,
)
stop_limits = st.builds(
    Submit,
    client_order_id=ids,
    symbol=symbols,
    side=sides,
    quantity=lots,
    kind=st.just("stop_limit"),
    stop_price=prices,
    price=prices,
    display=st.sampled_from((0, 10)),
)
trailing = st.builds(
    Submit,
    client_order_id=ids,
    symbol=symbols,
    side=sides,
    quantity=lots,
    kind=st.just("trailing_stop"),
    trail=st.sampled_from((None, 500, 1_000)),
    trail_basis_points=st.sampled_from((None, 10, 50)),
)
replaces = st.builds(
    Replace,
    order_id=st.one_of(st.just(0), st.integers(1, 60)),
    client_order_id=ids,
    quantity=st.one_of(st.none(), st.sampled_from((0, 5, 10, 20, 30, 60, 2_000))),
    price=st.one_of(st.none(), prices),
    stop_price=st.one_of(st.none(), st.none(), prices),
)
wild = st.builds(  # Most of these are refused, each for another reason.
    Submit,
    client_order_id=st.one_of(ids, st.sampled_from(("", "x" * 37, "tab\t"))),
    symbol=st.sampled_from(SYMBOLS),
    side=sides,
    quantity=st.sampled_from((-1, 0, 1, 7, 130, 900, 2_000_000, 2**70)),
    kind=st.sampled_from(("limit", "market")),
    price=st.sampled_from((None, -5, 0, 205_555, 500, 204_900, 2**53 - 991, 10**15, 2**70)),
)
cancels = st.builds(Cancel, order_id=st.integers(0, 40), client_order_id=ids)
cancel_alls = st.builds(CancelAll, symbol=st.sampled_from(("", *SYMBOLS)))
for_auctions = st.builds(
    Submit,
    client_order_id=ids,
    symbol=symbols,
    side=sides,
    quantity=lots,
    kind=st.sampled_from(("limit", "market")),
    price=prices,
    tif=st.sampled_from(("opg", "cls")),
)
orders = st.one_of(plain, plain, plain, flagged, flagged, dated, stops, stop_limits, trailing, for_auctions)


def grouped(order: Submit, side: str | None = None) -> Submit:
    """A limit, stop, stop_limit or trailing_stop order that goes with others into a group: 20 KRYP, gtc."""
    side = side or order.side
    fits = {"symbol": "KRYP", "side": side, "quantity": 20, "tif": "gtc", "expires": 0, "display": 0, "post_only": False}
    return msgspec.structs.replace(order, **fits)


other = {"buy": "sell", "sell": "buy"}
limits = plain.map(lambda order: msgspec.structs.replace(order, kind="limit"))
any_stop = st.one_of(stops, stop_limits, trailing)
ocos = st.builds(
    lambda limit, stop: Oco(grouped(limit), grouped(stop, limit.side)),
    limits,
    any_stop,
)
brackets = st.builds(
    lambda entry, limit, stop: Bracket(
        msgspec.structs.replace(entry, symbol="KRYP", quantity=20, display=0),
        *(grouped(leg, other[entry.side]) for leg in (limit, stop)),
    ),
    orders,
    limits,
    any_stop,
)
wild_groups = st.one_of(st.builds(Oco, orders, orders), st.builds(Bracket, orders, orders, orders))
commands = st.one_of(
    *[orders] * 6, ocos, ocos, brackets, brackets, wild_groups, wild, cancels, replaces, replaces, replaces, cancel_alls
)
requests = st.tuples(
    st.just("request"),
    st.sampled_from((*ACCOUNTS[:3], *ACCOUNTS[:3], *ACCOUNTS)),
    st.one_of(commands, st.lists(commands, min_size=3, max_size=12), st.lists(orders, min_size=5, max_size=12)),
)
deposits = st.tuples(
    st.just("deposit"),
    st.sampled_from(ACCOUNTS),
    st.sampled_from(("CASH", *SYMBOLS)),
    st.integers(-3_000_000, 3_000_000),
    st.sampled_from(("", "", "key-1", "key-2")),
)
markets = st.tuples(
    st.just("restart"),
    st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda fees: Fees(maker=fees[0] - min(fees), taker=fees[1])),
    st.booleans(),
)
phases = st.tuples(
    st.just("phase"),
    st.sampled_from(("", "KRYP", "KRYP", "ADAM", "NONE")),
    st.sampled_from((None, "continuous", "continuous", *PHASES)),
    st.sampled_from(("", "", "news pending")),
)
rules = st.tuples(
    st.just("rules"),
    st.sampled_from(ACCOUNTS),
    st.sampled_from((None, "allow", "cancel_newest", "decrement")),
    st.sampled_from((None, True, True, False)),
)
steps = st.one_of(
    *[requests] * 7,
    deposits,
    phases,
    rules,
    st.tuples(st.just("disconnected"), st.sampled_from(ACCOUNTS)),
    markets,
    st.tuples(st.just("turn")),
    st.tuples(st.just("settle")),
    st.tuples(st.just("settle")),
    st.tuples(st.just("match")),
    st.tuples(st.just("second")),
)


def play(market: SmallMarket, story: list[Any]) -> None:
    """Carry out the steps; what was matched and not yet settled is settled in the end."""
    late: list[dict[str, list[bytes]]] = []
    for step in (*story, ("settle",)):
        match step:
            case ("request", account, command):
                market.send("orders", account, encode(command))
            case ("deposit", account, asset, amount, key):
                market.deposit(account, asset, amount, key)
            case ("phase", symbol, phase, reason):
                market.send(PHASE, "", encode(PhaseRequest(symbol, phase, reason)))
            case ("rules", account, self_trade, cancel_on_disconnect):
                market.send(RULES, account, encode(AccountRulesQuestion(self_trade, cancel_on_disconnect)))
            case ("disconnected", account):
                market.send(DISCONNECTED, "", encode(Disconnected(account)))
            case ("turn",):
                market.turn()
            case ("match",):  # Events that the ledger sees only later, one log at a time.
                late += [{log: batches} for log, batches in market.match().items()]
            case ("settle",):
                for inputs in late:
                    market.turn(inputs)
                late.clear()
                market.settle()
            case ("second",):
                assert market.turn(elapsed=SECOND), "a second without anything is a batch"
            case ("restart", fees, snapshot):
                market.turn()
                market.restart(small_market(fees=fees, limits=market.market.limits), snapshot)
                market.turn()
            case _:
                raise AssertionError(step)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(steps, min_size=20, max_size=60), st.integers(0, 2**32), st.integers(0, 5), st.booleans())
def test_random_stories(story: list[Any], seed: int, slice_max: int, engines: bool) -> None:
    limits = Limits(open_orders=8, orders_per_second=0, order_quantity=1_000)
    market = SmallMarket(small_market(fees=Fees(maker=-2, taker=7), limits=limits), Random(seed), slice_max, engines=engines)
    for account in ACCOUNTS[:3]:
        market.open(account, 30_000_000, KRYP=500, ADAM=100)
    play(market, story)
    # In the end everybody cancels, and nothing is held any more.
    for account in ACCOUNTS[:3]:
        market.request(account, CancelAll())
    market.settle()
    assert not market.stage.ledger.orders
    assert not market.stage.ledger.cancels
    assert not market.stage.ledger.replaces
    assert not market.stage.ledger.pairs
    assert all(not b.held for account in market.stage.ledger.accounts.values() for b in account.balances.values())
    # Following the journal from its beginning and from a snapshot in the middle gives the same state, byte for byte.
    market.restart()
    market.restart(snapshot=True)


TERMS: tuple[dict[str, Any], ...] = (
    *({}, {}, {"tif": "ioc"}, {"kind": "market"}, {"tif": "fok"}, {"tif": "day"}),
    *({"post_only": True}, {"display": 1}, {"display": 7, "tif": "day"}, {"tif": "gtd"}),
    *({"kind": "stop"}, {"kind": "stop", "tif": "day"}, {"kind": "stop_limit"}, {"kind": "stop_limit", "display": 3}),
    *({"kind": "trailing_stop", "trail": 300}, {"kind": "trailing_stop", "trail_basis_points": 20}),
)


def random_command(random: Random, number: int, own: list[int], now: int) -> Command:
    """`own`: the account's open orders."""
    kind = random.random()
    if kind > 0.8:
        return random_group(random, number)
    if kind < 0.1:
        return Cancel(order_id=random.choice([*own, 1]))
    if kind < 0.12:
        return CancelAll()
    price, quantity = random.randrange(203_000, 207_000, 100), random.randint(1, 60)
    if kind < 0.4:
        return Replace(
            random.choice([*own, 1]),
            "",
            random.choice((None, quantity)),
            random.choice((None, price)),
            random.choice((None, None, price)),
        )
    order = Submit(f"c-{number}", "KRYP", random.choice(("buy", "sell")), quantity, price=price, **random.choice(TERMS))
    if order.tif == "gtd":
        order = msgspec.structs.replace(order, expires=now + random.randint(1, 30) * SECOND)
    if order.kind in ("stop", "stop_limit"):
        order = msgspec.structs.replace(order, stop_price=random.randrange(203_000, 207_000, 100))
    if order.kind in ("stop", "trailing_stop"):
        order = msgspec.structs.replace(order, price=None)
    return msgspec.structs.replace(
        order, self_trade=random.choice((None, "allow", "cancel_oldest", "cancel_both", "decrement"))
    )


def random_group(random: Random, number: int) -> Command:
    """Most are accepted, and most of those trade."""
    entry: Side = random.choice(("buy", "sell"))
    quantity, price = random.randint(1, 60), random.randrange(203_000, 207_000, 100)
    limit = Submit(f"c-{number}-l", "KRYP", entry, quantity, price=price + random.randrange(-1_000, 1_001, 100))
    stop = Submit(f"c-{number}-s", "KRYP", entry, quantity, "stop", stop_price=random.randrange(203_000, 207_000, 100))
    if random.random() < 0.5:
        stop = msgspec.structs.replace(stop, kind="stop_limit", price=random.randrange(203_000, 207_000, 100))
    elif random.random() < 0.3:
        stop = msgspec.structs.replace(stop, kind="trailing_stop", stop_price=None, trail=random.choice((100, 500)))
    if random.random() < 0.2:
        limit, stop = (msgspec.structs.replace(order, tif="day") for order in (limit, stop))
    if random.random() < 0.5:
        return Oco(limit, stop)
    terms: dict[str, Any] = random.choice(({}, {}, {"tif": "ioc"}, {"kind": "market"}, {"tif": "cls"}, {"tif": "opg"}))
    legs: list[Submit] = [msgspec.structs.replace(leg, side="sell" if entry == "buy" else "buy") for leg in (limit, stop)]
    return Bracket(Submit(f"c-{number}", "KRYP", entry, quantity, price=price, **terms), *legs)


@pytest.mark.parametrize("engines", [False, True])
def test_a_long_run_with_crashes_at_every_point(engines: bool) -> None:
    """Thousands of orders; a follower recovered from a snapshot of any moment keeps in step with the leader."""
    random = Random(4)
    limits = Limits(open_orders=30, orders_per_second=0)
    bands = Bands(order=10, trade=0.5, reference="5s", auction="2s")  # The matcher knows no bands of trades.
    rules = small_market(fees=Fees(maker=3, taker=11), limits=limits, bands=bands)
    market = SmallMarket(rules, random, slice_max=4, engines=engines)
    for account in ACCOUNTS[:3]:
        market.open(account, 1_000_000_000, KRYP=5_000)
    market.ask(RULES, "alice", AccountRulesQuestion(cancel_on_disconnect=True))
    for number in range(1, 2_000):
        name = random.choice(ACCOUNTS[:3])
        own = list(market.stage.ledger.accounts[name].orders)
        market.send("orders", name, encode(random_command(random, number, own, market.now)))
        if random.random() < 0.05:  # Mostly open, and each phase now and then.
            phase = random.choice((None, None, "continuous", *PHASES))
            market.send(PHASE, "", encode(PhaseRequest("KRYP", phase)))
        if random.random() < 0.01:
            market.send(DISCONNECTED, "", encode(Disconnected(name)))
        if random.random() < 0.5:
            market.turn()
        if random.random() < 0.2:
            market.settle()
            market.now += random.randint(0, 3) * SECOND
        if random.random() < 0.02:
            market.turn()
            market.restart(snapshot=random.random() < 0.9)
    market.settle()
    ledger = market.stage.ledger
    assert ledger.next_order_id > 600
    assert len(market.oracle.movements) > 2_000
    told = Counter(report["type"] for reports in market.reports.values() for report in reports)
    assert min(told[kind] for kind in NEW_REPORTS) > 5, told
    ended = Counter(report["reason"] for reports in market.reports.values() for report in reports if "reason" in report)
    expected = set(get_args(CancelReason)) - (set() if engines else {"volatility"})
    assert min(ended[reason] for reason in expected) > 0, ended
    assert ledger.accounts["$fees"].balances["CASH"].total > 0
    assert msgspec.json.decode(market.stage.snapshot())["number"] == len(market.journal)
