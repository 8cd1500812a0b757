"""The operator's hand on what is traded: new symbols, and shares and cash for those who have none yet."""

from __future__ import annotations

import secrets
from typing import Annotated

import msgspec
import typer

from exchange import subjects
from exchange.messages.administration import Deposit, Done, NewSymbol
from exchange.messages.base import CASH

from .order import price_of
from .output import say, show_json
from .problem import MISUSED, Problem
from .scope import Scope, accepted

Name = Annotated[str, typer.Option("--name", help="What it is called; the symbol without it.", show_default=False)]
OpeningPrice = Annotated[str, typer.Option("--price", metavar="PRICE", help="What a share is worth before the first trade.")]
Tick = Annotated[str, typer.Option("--tick", metavar="PRICE", help="The smallest step of a price.")]
Lot = Annotated[int, typer.Option("--lot", min=1, help="The smallest step of a quantity.")]
Issued = Annotated[int, typer.Option("--issued", min=0, help="How many shares there are said to be.")]
NewSymbolName = Annotated[str, typer.Argument(metavar="SYMBOL", help="For example NEWS.", show_default=False)]


async def add_symbol(
    scope: Scope, symbol: NewSymbolName, price: OpeningPrice, name: Name = "", tick: Tick = "0.01", lot: Lot = 1,
    issued: Issued = 1_000_000,
) -> None:  # fmt: skip
    """Open a symbol for trading while the market runs (as the operator). Nobody has shares of it: see account deposit."""
    symbol = symbol.upper()
    opening, step = price_of("--price", price), price_of("--tick", tick)
    if opening is None or step is None:
        raise Problem("--price and --tick are amounts of money, like 20.55", MISUSED)
    await _ask(scope, "add_symbol", NewSymbol(symbol, name or symbol, opening, step, lot, issued))


async def deposit(
    scope: Scope,
    who: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Who gets it.", show_default=False)],
    asset: Annotated[str, typer.Argument(metavar="ASSET", help=f"{CASH}, or a symbol.", show_default=False)],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="Money, or shares.", show_default=False)],
    take: Annotated[bool, typer.Option("--take", help="Take it away instead.")] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="For the statement.")] = "deposit",
) -> None:
    """Give an account cash or shares (as the operator). Where no answer comes, look at the account before asking again."""
    asset = asset.upper()
    if asset == CASH:
        units = price_of("AMOUNT", amount) or 0
    elif amount.replace("_", "").isdecimal():
        units = int(amount.replace("_", ""))
    else:
        raise Problem(f"AMOUNT: {amount!r} is not a number of shares", MISUSED)
    await _ask(scope, "deposit", Deposit(who, asset, -units if take else units, reason, secrets.token_hex(8)))


async def _ask(scope: Scope, verb: str, request: msgspec.Struct) -> None:
    async with scope.staff() as client:
        done = accepted(await client.request(subjects.admin(verb), request, Done))
    if scope.json:
        show_json(done)
    else:
        say(done.detail)
