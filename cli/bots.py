"""Bots: check, run, start, list, show, stop. What a file means is known in the bots' own program, which these commands call."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange import subjects
from exchange.messages.bots import BotCheck, BotDetail, BotInfo, BotName, BotText
from exchange.parent import tie_to_parent

from .logins import bot_state_file
from .output import moment, money, say, show_json, show_table
from .problem import FAILED, MISUSED, Problem
from .scope import Scope, accepted

if TYPE_CHECKING:
    from exchange.client import Client

WATCH_SECONDS = 0.5

File = Annotated[Path, typer.Argument(metavar="FILE", help="The bot's rules, YAML or JSON.", show_default=False)]
Name = Annotated[str, typer.Argument(metavar="BOT", help="The bot's name.", show_default=False)]


def check(scope: Scope, file: File) -> None:
    """Say every mistake in a bot file, with its line, its column and what was expected there."""
    command = [sys.executable, "-P", "-m", "exchange.bots.check", str(file), *(["--json"] if scope.json else [])]
    code = subprocess.run(command, check=False).returncode
    if code:
        raise typer.Exit(code)


def run(scope: Scope, file: File) -> None:
    """Run a bot here, in the foreground, until Ctrl-C; a changed file takes effect at once. Says each decision and why."""
    account, secret = scope.require_account(), scope.log_in().session
    state = bot_state_file(scope.market, account, file)
    told = {"server": scope.address, "account": account, "secret": secret, "file": str(file), "state": str(state)}
    # The secret goes through a pipe: arguments and the environment can be seen by others.
    reader, writer = os.pipe()
    os.write(writer, json.dumps(told).encode())
    os.close(writer)
    command = [sys.executable, "-P", "-m", "exchange.bots.foreground"]
    with os.fdopen(reader) as pipe:
        process = subprocess.Popen(command, stdin=pipe, preexec_fn=tie_to_parent())
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt:
            continue  # The terminal has told it as well; it takes back its orders and ends.
    if code:
        raise typer.Exit(FAILED)


async def start(
    scope: Scope,
    file: File,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and start it anew whenever the file changes.")] = False,
) -> None:
    """Have the market host a bot; started again, it goes on with the changed file."""
    async with scope.trader() as client:
        await _start(scope, client, file)
        seen = _changed(file)
        while watch:
            await asyncio.sleep(WATCH_SECONDS)
            if (now := _changed(file)) != seen:
                seen = now
                try:
                    await _start(scope, client, file)
                except Problem as problem:
                    print(f"exchange: {problem}; the rules in force stay", file=sys.stderr)


async def list_(scope: Scope) -> None:
    """The account's hosted bots."""
    async with scope.trader() as client:
        bots = accepted(await client.request(subjects.api(client.account, "bots.list"), None, list[BotInfo]))
    if scope.json:
        show_json(bots)
        return
    show_table(
        ("bot", "symbol", "strategy", "status", "since", "orders", "profit", "why"),
        [
            (
                bot.name,
                bot.symbol,
                bot.strategy or "rules",
                bot.status,
                moment(bot.started),
                str(bot.orders),
                money(bot.profit),
                bot.reason,
            )
            for bot in bots
        ],
        left=("bot", "symbol", "strategy", "status", "why"),
        empty="no bots; start one with: exchange bot start FILE",
    )


async def show(scope: Scope, name: Name) -> None:
    """What a bot waits for, what it has, and its last decisions with their reasons."""
    async with scope.trader() as client:
        bot = accepted(await client.request(subjects.api(client.account, "bots.show"), BotName(name), BotDetail))
    if scope.json:
        show_json(bot)
        return
    info = bot.info
    say(f"{info.name} on {info.symbol}: {info.status}{f', {info.reason}' if info.reason else ''}; profit {money(info.profit)}")
    if bot.rules:
        say("waits for")
        for rule in bot.rules:
            say(f"  rule {rule.number}: {rule.when}")
    for position in bot.positions:
        has = f"position {position.quantity:,} {position.symbol}"
        say(f"{has}, cost {money(position.cost)}, realized {money(position.realized)}")
    for order in bot.orders:
        what = f"{order.side} {order.remaining:,} {order.symbol} at {money(order.price) if order.price else 'the market'}"
        say(f"order {order.order_id}: {what} {order.label}".rstrip())
    if bot.decisions:
        say("decisions")
    for decision in bot.decisions:
        who = f"rule {decision.rule}" if decision.rule else "bot"
        done = "; ".join(decision.actions)
        say(f"  {moment(decision.time)} {who}: {decision.why}{' → ' * bool(done and decision.why)}{done}")


async def stop(scope: Scope, name: Name) -> None:
    """Stop a bot: its orders are cancelled, and it is forgotten. What it has bought stays the account's."""
    async with scope.trader() as client:
        info = accepted(await client.request(subjects.api(client.account, "bots.stop"), BotName(name), BotInfo, seconds=10))
    if scope.json:
        show_json(info)
    else:
        say(f"{name} is stopped: {info.reason}; profit {money(info.profit)}")


async def _start(scope: Scope, client: Client, file: Path) -> None:
    text = _text(file)
    checked = accepted(await client.request(subjects.api(client.account, "bots.check"), text, BotCheck))
    if checked.mistakes:
        for mistake in checked.mistakes:
            print(f"{file}:{mistake.line}:{mistake.column}: {mistake.text}", file=sys.stderr)
        raise Problem(f"{file} has {len(checked.mistakes)} mistake{'s' * (len(checked.mistakes) > 1)}")
    info = accepted(await client.request(subjects.api(client.account, "bots.start"), text, BotInfo, seconds=10))
    if scope.json:
        show_json(info)
    else:
        say(f"{info.name} runs on {info.symbol}; try: exchange --as {client.account} bot show {info.name}")


def _text(file: Path) -> BotText:
    try:
        return BotText(file.read_text(), file.stem.lower())
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{file}: {getattr(error, 'strerror', None) or 'not a text file'}", MISUSED) from None


def _changed(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
