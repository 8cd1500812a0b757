"""The command line: which commands there are, and how a call of it ends."""

from __future__ import annotations

import contextlib
import logging
import os
import sys

import typer

from . import (
    account_life,
    account_list,
    accounts,
    audit,
    backup,
    bench,
    bots,
    command,
    explain,
    history,
    holdings,
    keys,
    library,
    listing,
    market_data,
    phases,
    replay,
    statement,
    status,
    time_travel,
    trading,
    up,
)
from .command import add
from .problem import FAILED, Problem
from .scope import Scope

app = typer.Typer(
    name="exchange",
    help="A stock market that anybody can run with one command.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
key = typer.Typer(help="API keys for programs.", no_args_is_help=True)
account = typer.Typer(help="Open accounts, look at them, say who may log in, and end them.", no_args_is_help=True)
replays = typer.Typer(help="Rebuild a moment of the past; or feed recorded order flow to the market.", no_args_is_help=True)

bot = typer.Typer(help="Let rules trade for an account.", no_args_is_help=True)
symbol = typer.Typer(help="What is traded.", no_args_is_help=True)


@app.callback()
def shared(
    context: typer.Context,
    account: command.As = "",
    data: command.Data = None,
    server: command.Server = "",
    json: command.Json = False,
) -> None:
    """A stock market that anybody can run with one command."""
    context.obj = Scope(account, data, server or os.environ.get("EXCHANGE_SERVER", ""), json)


add(app, up.up, panel="Market")
add(app, status.status, panel="Market")
add(app, status.top, panel="Market")
add(app, audit.audit, panel="Market")
add(app, backup.backup, panel="Market")
add(app, backup.restore, panel="Market")
add(app, bench.bench, panel="Market")
add(app, phases.halt, panel="Market")
add(app, phases.resume, panel="Market")
add(app, phases.phase, panel="Market")
app.add_typer(symbol, name="symbol", rich_help_panel="Market")
add(symbol, listing.add_symbol, "add")
app.add_typer(replays, name="replay", rich_help_panel="Market")
replays.callback(invoke_without_command=True)(command.with_scope(time_travel.replay))
add(replays, replay.lobster)
app.add_typer(bot, name="bot", rich_help_panel="Trading")
add(bot, bots.check)
add(bot, bots.run)
add(bot, bots.start)
add(bot, bots.list_, "list")
add(bot, bots.show)
add(bot, bots.stop)
app.add_typer(account, name="account", rich_help_panel="Accounts")
add(account, accounts.create)
add(account, account_list.list_accounts, "list")
add(account, accounts.show)
add(account, accounts.rules)
add(account, accounts.sessions)
add(account, accounts.password)
add(account, accounts.log_out, "log-out")
add(account, accounts.add_member, "add-member")
add(account, accounts.remove_member, "remove-member")
app.add_typer(key, name="key", rich_help_panel="Accounts")
add(key, keys.create)
add(key, keys.list_keys, "list")
add(key, keys.revoke)
add(account, account_life.freeze)
add(account, account_life.unfreeze)
add(account, account_life.reset)
add(account, account_life.close)
add(account, listing.deposit)
add(app, accounts.login, panel="Accounts")
add(app, accounts.logout, panel="Accounts")
add(app, trading.buy, panel="Trading")
add(app, trading.sell, panel="Trading")
add(app, trading.replace, panel="Trading")
add(app, trading.cancel, panel="Trading")
add(app, holdings.orders, panel="Trading")
add(app, holdings.fills, panel="Trading")
add(app, holdings.portfolio, panel="Trading")
add(app, history.history, panel="History")
add(app, explain.explain, panel="History")
add(app, statement.statement, panel="History")
add(app, library.sql, panel="History")
add(app, library.export, panel="History")
add(app, market_data.symbols, panel="Market data")
add(app, market_data.book, panel="Market data")
add(app, market_data.trades, panel="Market data")
add(app, market_data.quotes, panel="Market data")
add(app, market_data.candles, panel="Market data")
add(app, market_data.chart, panel="Market data")


def run(arguments: list[str]) -> int:
    """Carry out a command line; its exit code. What goes wrong is one line on stderr, never a traceback."""
    logging.getLogger().addHandler(logging.NullHandler())  # Libraries must not talk between the lines.
    try:
        code = app(arguments, prog_name="exchange", standalone_mode=False)
        sys.stdout.flush()
    except Problem as problem:
        return _end(str(problem), problem.exit_code)
    except typer.TyperException as misuse:
        return _end(misuse.format_message(), misuse.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return _end("given up", FAILED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # What reads us has enough; Python must not complain.
        return FAILED
    except Exception as defect:
        if sys.flags.dev_mode:
            raise
        return _end(f"a defect of this program: {type(defect).__name__}: {defect}", FAILED)
    return code if isinstance(code, int) else 0


def _end(text: str, exit_code: int) -> int:
    with contextlib.suppress(OSError):
        if text:  # Empty where the help was shown instead.
            print(f"exchange: {' '.join(text.split())}", file=sys.stderr)
    return exit_code
