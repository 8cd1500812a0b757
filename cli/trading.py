"""Orders and what becomes of them: buy, sell, replace, cancel."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Annotated

import typer

from exchange import subjects
from exchange.messages.base import Side, decoder
from exchange.messages.reports import (
    OrderCancelled,
    OrderDecremented,
    OrderFilled,
    OrderReplaced,
    OrderReplaceRefused,
    Report,
    Reports,
)
from exchange.messages.requests import Accepted, Cancel, CancelAll, Command, Refused, Replace

from .groups import OrStop, StopLoss, StopLossLimit, TakeProfit, command_of, others_of
from .holdings import counted
from .order import (
    ENDINGS,
    REPLACE_REFUSALS,
    ClientId,
    Display,
    Limit,
    PostOnly,
    Quantity,
    SelfTrading,
    Stop,
    Symbol,
    Terms,
    Tif,
    Trail,
    Until,
    order_of,
    price_of,
    price_words,
)
from .output import money, say, show_json
from .problem import FAILED, MISUSED, Problem, explain
from .scope import Scope

if TYPE_CHECKING:
    from exchange.client import Client

END_SECONDS_MAX = 2.0
"""How long a command waits to hear the end of an order that ends at once."""


async def buy(
    scope: Scope,
    symbol: Symbol,
    quantity: Quantity,
    limit: Limit = "",
    stop: Stop = "",
    trail: Trail = "",
    tif: Tif = None,
    until: Until = "",
    post_only: PostOnly = False,
    display: Display = 0,
    self_trade: SelfTrading = None,
    take_profit: TakeProfit = "",
    stop_loss: StopLoss = "",
    stop_loss_limit: StopLossLimit = "",
    or_stop: OrStop = "",
    client_id: ClientId = "",
) -> None:
    """Buy shares, at a limit or at the market, now or once a price is reached."""
    terms = Terms(
        limit, stop, trail, tif, until, post_only, display, self_trade, take_profit, stop_loss, stop_loss_limit, or_stop
    )
    await _submit(scope, "buy", symbol, quantity, terms, client_id)


async def sell(
    scope: Scope,
    symbol: Symbol,
    quantity: Quantity,
    limit: Limit = "",
    stop: Stop = "",
    trail: Trail = "",
    tif: Tif = None,
    until: Until = "",
    post_only: PostOnly = False,
    display: Display = 0,
    self_trade: SelfTrading = None,
    take_profit: TakeProfit = "",
    stop_loss: StopLoss = "",
    stop_loss_limit: StopLossLimit = "",
    or_stop: OrStop = "",
    client_id: ClientId = "",
) -> None:
    """Sell shares, at a limit or at the market, now or once a price is reached."""
    terms = Terms(
        limit, stop, trail, tif, until, post_only, display, self_trade, take_profit, stop_loss, stop_loss_limit, or_stop
    )
    await _submit(scope, "sell", symbol, quantity, terms, client_id)


async def replace(
    scope: Scope,
    order_id: Annotated[int, typer.Argument(metavar="ID", help="The order's id.", show_default=False)],
    quantity: Annotated[
        int | None, typer.Option("--quantity", metavar="N", min=1, help="Shares still to be traded.", show_default=False)
    ] = None,
    limit: Annotated[str, typer.Option("--limit", metavar="PRICE", help="The new limit.", show_default=False)] = "",
    stop: Annotated[str, typer.Option("--stop", metavar="PRICE", help="The new stop price.", show_default=False)] = "",
) -> None:
    """Change an open order; fewer shares at the same price keep its place in the queue."""
    if quantity is None and not limit and not stop:
        raise Problem("say what is to change: --quantity, --limit or --stop", MISUSED)
    command = Replace(order_id, "", quantity, price_of("--limit", limit), price_of("--stop", stop))
    async with scope.trader() as client:
        reports = None if scope.json else await _hear_reports(client)
        outcome = await _carry_out(scope, client, command, f"exchange --as {scope.account} orders")
        if reports is None:
            show_json(outcome)
        else:
            say(f"replacing order {outcome.order_id}")
            await _tell_replacement(reports, outcome.order_id)


async def cancel(
    scope: Scope,
    order_id: Annotated[int, typer.Argument(metavar="[ID]", help="The order's id.", show_default=False)] = 0,
    client_id: Annotated[str, typer.Option("--client-id", metavar="ID", help="Or your own id.", show_default=False)] = "",
    all_: Annotated[bool, typer.Option("--all", help="Or every open order.", show_default=False)] = False,
) -> None:
    """Cancel an open order, or all of them."""
    if (order_id != 0) + (client_id != "") + all_ != 1:
        raise Problem("say which order: exchange cancel ID, --client-id ID or --all", MISUSED)
    command = CancelAll() if all_ else Cancel(order_id, client_id)
    async with scope.trader() as client:
        outcome = await _carry_out(scope, client, command, f"exchange --as {scope.account} orders")
    if scope.json:
        show_json(outcome)
    elif all_:
        say(f"cancelling {counted(outcome.orders)}")
    else:
        say(f"cancelling order {outcome.order_id}")


async def _submit(scope: Scope, side: Side, symbol: str, quantity: int, terms: Terms, client_id: str) -> None:
    from exchange.client import new_client_order_id

    order = order_of(side, symbol, quantity, terms, client_id or new_client_order_id(), time.time_ns())
    command = command_of(order, terms)
    async with scope.trader() as client:
        ends_at_once = order.tif in ("ioc", "fok") and order.kind in ("limit", "market")
        reports = await _hear_reports(client) if ends_at_once and not scope.json else None
        again = f"exchange --as {scope.account} {side} {order.symbol} {quantity}{terms.line}"
        outcome = await _carry_out(scope, client, command, f"{again} --client-id {order.client_order_id}")
        if scope.json:
            show_json(outcome)
            return
        before = "was accepted before" if outcome.duplicate else "accepted"
        say(f"order {outcome.order_id} {before}: {side} {quantity:,} {order.symbol} {price_words(order)}")
        for text in others_of(command, outcome):
            say(text)
        if reports is not None and not outcome.duplicate:
            await _tell_end(reports, outcome.order_id)


async def _carry_out(scope: Scope, client: Client, command: Command, ask: str) -> Accepted:
    """The command's acceptance. Raises Problem for a refusal, or when the outcome is unknown; `ask` tells how to learn it."""
    from exchange.client import OutcomeUnknown

    try:
        outcome = await client.send(command)
    except OutcomeUnknown as error:
        raise Problem(f"{error}; it may have been accepted; to learn it, and to place it if it was not: {ask}") from None
    if isinstance(outcome, Refused):
        if scope.json:
            show_json(outcome)
        raise Problem(explain(outcome), FAILED)
    return outcome


async def _hear_reports(client: Client) -> asyncio.Queue[Report]:
    heard: asyncio.Queue[Report] = asyncio.Queue()  # As long as the reports of END_SECONDS_MAX.
    decode = decoder(Reports).decode
    connection = await client.connection()

    async def hear(message: object) -> None:
        for report in decode(message.data).reports:  # type: ignore[attr-defined]
            heard.put_nowait(report)

    await connection.subscribe(subjects.reports(client.account), cb=hear)
    return heard


async def _tell_end(reports: asyncio.Queue[Report], order_id: int) -> None:
    """Say what the order traded until it ends."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS_MAX):
            while True:
                match await reports.get():
                    case OrderFilled(order_id=id_) as filled if id_ == order_id:
                        fee = f", fee {money(filled.fee)}" if filled.fee else ""
                        say(f"filled {filled.quantity:,} at {money(filled.price)}{fee}")
                        if not filled.remaining:
                            return
                    case OrderCancelled(order_id=id_) as cancelled if id_ == order_id:
                        say(f"ended with {cancelled.quantity:,} unfilled: {ENDINGS[cancelled.reason]}")
                        return
                    case OrderDecremented(order_id=id_, remaining=0) if id_ == order_id:
                        say(f"ended: {ENDINGS['self_trade']}")
                        return
    say("what became of it is not known yet; see: exchange fills")


async def _tell_replacement(reports: asyncio.Queue[Report], order_id: int) -> None:
    """Say whether the order is another one now."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS_MAX):
            while True:
                match await reports.get():
                    case OrderReplaced(order_id=id_) as replaced if id_ == order_id:
                        place = ", in its place in the queue" if replaced.kept_place else ""
                        say(f"replaced: {replaced.quantity:,} open at {money(replaced.price)}{place}")
                        return
                    case OrderReplaceRefused(order_id=id_) as refused if id_ == order_id:
                        say(f"not replaced: {REPLACE_REFUSALS[refused.reason]}")
                        return
    say("what became of it is not known yet; see: exchange orders")
