"""`exchange statement`: what was posted to an account in a month, as a table or as CSV."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from exchange import subjects
from exchange.messages.base import CASH
from exchange.messages.library import Posting, Statement, StatementQuestion
from exchange.money import format_money
from exchange.permissions import account_of

from .accounts import Name
from .output import SECOND, moment, money, say, show_json, show_table
from .problem import MISUSED, Problem
from .scope import Scope, accepted

if TYPE_CHECKING:
    from exchange.client import Client


async def statement(
    scope: Scope,
    name: Name,
    month: Annotated[
        str, typer.Option("--month", metavar="YYYY-MM", help="In UTC; the current one when left out.", show_default=False)
    ] = "",
    csv_: Annotated[bool, typer.Option("--csv", help="Comma-separated values, with times in UTC.")] = False,
) -> None:
    """Every change of an account's balances in a month: for the account itself (--as), or for an operator or auditor."""
    start, end = _month(month)
    own = account_of(scope.account) == name
    async with scope.trader() if own else scope.staff() as client:
        subject = subjects.api(name, "statement") if own else subjects.admin("statement")
        found = await _all(client, subject, StatementQuestion(start, end, 0, "" if own else name))
    if scope.json:
        show_json(found)
    elif csv_:
        _write_csv(found)
    else:
        _show(found, start)


async def _all(client: Client, subject: str, question: StatementQuestion) -> Statement:
    postings: list[Posting] = []
    while True:
        wanted = StatementQuestion(question.start, question.end, len(postings), question.account)
        page = accepted(await client.request(subject, wanted, Statement))
        postings += page.postings
        if page.complete:
            return Statement(page.account, page.opening, page.closing, postings, True)


def _month(text: str) -> tuple[int, int]:
    """From when until when, in nanoseconds. Raises Problem."""
    try:
        first = datetime.strptime(text, "%Y-%m") if text else datetime.now(UTC).replace(tzinfo=None)
        first = datetime(first.year, first.month, 1, tzinfo=UTC)
        after = datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=UTC)
        return int(first.timestamp()) * SECOND, int(after.timestamp()) * SECOND
    except (ValueError, OverflowError):
        raise Problem(f"--month: {text!r} is not a month; write it like 2026-11", MISUSED) from None


def _what(posting: Posting) -> str:
    if posting.kind == "transfer":
        return posting.reason or "transfer"
    return f"{posting.kind}, {posting.symbol} at {format_money(posting.price)}"


def _proof(posting: Posting) -> str:
    return f"EVENTS_{posting.shard} {posting.batch}" if posting.shard else f"JOURNAL {posting.journal}"


def _amount(asset: str, amount: int) -> str:
    return money(amount) if asset == CASH else f"{amount:,}"


def _show(found: Statement, start: int) -> None:
    say(f"{found.account}, {datetime.fromtimestamp(start / SECOND, UTC):%B %Y} (UTC)")
    rows = [("", "opening balance", asset, "", _amount(asset, amount), "") for asset, amount in found.opening.items()]
    rows += [
        (
            moment(posting.time),
            _what(posting),
            posting.asset,
            _amount(posting.asset, posting.amount),
            _amount(posting.asset, posting.balance),
            _proof(posting),
        )
        for posting in found.postings
    ]
    rows += [("", "closing balance", asset, "", _amount(asset, amount), "") for asset, amount in found.closing.items()]
    show_table(("time", "what", "asset", "amount", "balance", "proof"), rows, left=("what", "asset", "proof"), empty="nothing")


def _write_csv(found: Statement) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("time", "kind", "asset", "amount", "balance", "symbol", "price", "reason", "journal", "shard", "batch"))
    for row in found.postings:
        plain = format_money if row.asset == CASH else str
        time = datetime.fromtimestamp(row.time // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{row.time % SECOND:09d}Z"
        price = format_money(row.price) if row.symbol else ""
        writer.writerow(
            (
                *(time, row.kind, row.asset, plain(row.amount), plain(row.balance), row.symbol, price, row.reason),
                *(row.journal, row.shard or "", row.batch or ""),
            )
        )
