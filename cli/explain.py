"""`exchange explain`: an order's whole life, with the numbers of the log entries that prove it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from exchange import subjects
from exchange.messages.account import OrderRecord
from exchange.messages.explanation import ExplainQuestion, Explanation, LogPlace, OrderStep, QueuePlace

from .order import ENDINGS
from .output import moment, money, say, show_json, show_table
from .problem import MISUSED, Problem
from .scope import Scope, accepted


async def explain(
    scope: Scope,
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The order's id, or your own id of it.", show_default=False)],
    client_id: Annotated[bool, typer.Option("--client-id", help="ORDER is your own id, even if it is a number.")] = False,
) -> None:
    """What became of an order, and why: of one's own (--as), or, for an operator or auditor, of any."""
    by_id = order.isdecimal() and not client_id
    question = ExplainQuestion(int(order) if by_id else 0, "" if by_id else order)
    if not scope.staff_acts:
        async with scope.trader() as client:
            told = accepted(await client.request(subjects.api(client.account, "explain"), question, Explanation))
    else:
        if not by_id:
            raise Problem("a client's own id is explained to its account: exchange --as ACCOUNT explain …", MISUSED)
        async with scope.staff() as client:
            told = accepted(await client.request(subjects.admin("explain"), question, Explanation))
    if scope.json:
        show_json(told)
    else:
        _show(told)


Line = tuple[int, LogPlace, str, str]
"""When, where in the logs, what, and what more proves it."""


def _show(told: Explanation) -> None:
    lines: list[Line] = [
        (refusal.time, refusal.at, f"refused: {refusal.detail} ({refusal.reason})", "") for refusal in told.refusals
    ]
    order = told.order
    if order is not None and told.accepted is not None:
        say(
            f"order {order.order_id} of {told.account}: {order.side} {order.quantity:,} {order.symbol} {_terms(order)}, "
            f"{order.status}\n"
        )
        lines.append((order.time, told.accepted, "accepted", ""))
        lines += _life(told)
    # An order's time and that of its first events are the same: the journal comes before the events.
    lines.sort(key=lambda line: (line[0], line[1].log != subjects.JOURNAL, line[1].batch, line[1].event))
    rows = [(moment(time), what, _proof(place) + more) for time, place, what, more in lines]
    show_table(("when", "what", "proof"), rows, left=("when", "what", "proof"), empty="nothing is known")
    if gone := {
        place.log: told.kept_from[place.log] for _, place, _, _ in lines if place.batch < told.kept_from.get(place.log, 0)
    }:
        begin = " and ".join(f"{log} {number:,}" for log, number in sorted(gone.items(), reverse=True))
        say(f"what stands before {begin} is not kept in the logs any more (--keep): only the history tells it")
    if told.trades_ahead > len(told.ahead):
        say(f"{told.trades_ahead:,} trades of {told.quantity_ahead:,} in all were ahead of it; the first are shown")
    if told.steps_left_out:
        say(f"and {told.steps_left_out:,} later steps")
    if told.queue_now is not None:
        say(f"now {_place(told.queue_now)} (as of {_proof(told.queue_now.at)})")
    elif order is not None and order.status == "open":
        say(_waiting(order, told.steps))


def _terms(order: OrderRecord) -> str:
    """At what price, from when on, and together with which others."""
    at_market = order.kind in ("market", "stop", "trailing_stop")
    price = "at the market" if at_market else f"at {money(order.price)}"
    start = f" from {money(order.stop_price)} on" if order.stop_price else ""
    entry = f", to close what order {order.entry} trades" if order.entry else ""
    pair = f", or order {order.pair} instead" if order.pair else ""
    return f"{price}{start}{entry}{pair}"


def _waiting(order: OrderRecord, steps: list[OrderStep]) -> str:
    """Why an open order is not in the book."""
    if order.entry and not any(step.what == "activated" for step in steps):
        return f"it waits for the end of order {order.entry}"
    if order.stop_price:
        return f"it waits outside of the book for a trade that reaches {money(order.stop_price)}"
    return "it waits for the closing auction" if order.tif == "cls" else "the engine has not answered yet"


def _life(told: Explanation) -> Iterator[Line]:
    first = told.queue
    if first is not None:
        yield first.time, first.at, _place(first), ""
    for trade in told.ahead:
        words = f"  {trade.quantity:,} traded ahead of it at {money(trade.price)} (trade {trade.trade_id})"
        yield trade.time, trade.at, words, ""
    for step in told.steps:
        if first is None or step.at != first.at:
            yield step.time, step.at, _step(step), f", caused by JOURNAL {step.journal}"


def _place(place: QueuePlace) -> str:
    ahead = [
        f"{orders:,} order{'' if orders == 1 else 's'} for {quantity:,} {where}"
        for orders, quantity, where in (
            (place.orders_better, place.quantity_better, "at better prices"),
            (place.orders_ahead, place.quantity_ahead, "earlier at its price"),
        )
        if orders
    ]
    return f"in the book with {place.quantity:,} at {money(place.price)}, behind {' and '.join(ahead) or 'nobody'}"


def _step(step: OrderStep) -> str:
    match step.what:
        case "filled":
            fee = f", fee {money(step.fee)}" if step.fee else ""
            how = "in an auction" if step.liquidity == "auction" else f"as {step.liquidity}"
            return f"filled {step.quantity:,} at {money(step.price)} {how}{fee} (trade {step.trade_id})"
        case "queued":
            return f"at the back of the queue at {money(step.price)} with {step.quantity:,}"
        case "triggered":
            return f"triggered at {money(step.price)}"
        case "replaced":
            return f"replaced: {step.quantity:,} open at {money(step.price)}"
        case "activated":
            return f"activated: its entry has ended, {step.quantity:,} are open"
        case "decremented" if step.reason == "pair":
            return f"{step.quantity:,} taken off: the other order of its pair lost as much"
        case "decremented":
            return f"{step.quantity:,} taken off: {ENDINGS['self_trade']}"
        case "ended":
            if step.reason == "filled":
                return "ended: all was filled"
            if step.reason == "owner":  # Not "you": the operator may read this, too.
                return f"ended with {step.quantity:,} unfilled: its owner cancelled it"
            if step.reason == "account_frozen":
                return f"ended with {step.quantity:,} unfilled: the account was frozen"
            if step.reason == "disconnected":
                return f"ended with {step.quantity:,} unfilled: its owner's connection was lost"
            why = ENDINGS.get(step.reason, step.reason)  # type: ignore[call-overload]
            return f"ended with {step.quantity:,} unfilled: {why}"


def _proof(place: LogPlace) -> str:
    return f"{place.log} {place.batch}" + (f" event {place.event}" if place.log != subjects.JOURNAL else "")
