"""Where messages travel. The server's permissions are built from these names, so a subject is a proof of identity."""

from typing import Final

JOURNAL: Final = "JOURNAL"
"""Name of the ledger's log: a stream with the one subject `journal`."""


def events_log(shard: int) -> str:
    """Name of the log of a shard's engine: a stream with the one subject `events.<shard>`."""
    return f"EVENTS_{shard}"


def engine_stage(shard: int) -> str:
    """Name of the stage that matches a shard, of its snapshot and of its lease."""
    return f"engine-{shard}"


def log_subject(log: str) -> str:
    """The subject of a log: JOURNAL → journal, EVENTS_1 → events.1."""
    return log.lower().replace("_", ".")


ENGINES: Final = "engines"
"""Where engine workers tell each other which shards they run."""


def life(token: str) -> str:
    """Where others find out whether a process is still connected (life.py)."""
    return f"life.{token}"


LEASES: Final = "LEASES"
"""KV bucket: who leads a stage."""
CREDENTIALS: Final = "CREDENTIALS"
"""KV bucket: password hashes and API keys, one key per log-in."""
SNAPSHOTS: Final = "SNAPSHOTS"
"""Object store: the newest state of each stage."""

ORDERS: Final = "orders.*"
ADMIN: Final = "admin"
HEALTH: Final = "admin.health"
"""Where every instance of every worker says how it is; whoever asks hears as many answers."""
API: Final = "api"
AUTH: Final = "auth"
PUBLIC: Final = "public"


def orders(account: str) -> str:
    """Where an account sends its commands."""
    return f"orders.{account}"


def order_rules(account: str) -> str:
    """Where an account asks for the rules of all its orders, and changes them: whoever may trade for it may do that."""
    return f"orders.{account}.rules"


def reports(account: str) -> str:
    """Where an account hears what became of them."""
    return f"reports.{account}"


def api(account: str, question: str) -> str:
    """Where an account asks about itself."""
    return f"api.{account}.{question}"


def public(question: str) -> str:
    """Where anybody asks about the market."""
    return f"public.{question}"


def admin(verb: str) -> str:
    """Where the operator commands."""
    return f"admin.{verb}"


def auth(login: str, verb: str) -> str:
    """Where a log-in changes itself, and where a guest becomes one."""
    return f"auth.{login}.{verb}"


def trade(symbol: str) -> str:
    """Public trades of a symbol."""
    return f"market.{symbol}.trade"


def quote(symbol: str) -> str:
    """Best bid and ask of a symbol."""
    return f"market.{symbol}.quote"


def depth(symbol: str) -> str:
    """Changed price levels of a symbol."""
    return f"market.{symbol}.depth"


def top(symbol: str) -> str:
    """The best price levels of a symbol, at a steady pace."""
    return f"market.{symbol}.top"


def book(symbol: str) -> str:
    """Changes of a symbol's resting orders."""
    return f"market.{symbol}.book"


def candle(symbol: str, interval: str) -> str:
    """The open candle of a symbol."""
    return f"market.{symbol}.candle.{interval}"


def status(symbol: str) -> str:
    """Phase, indicative auction price and price band of a symbol."""
    return f"market.{symbol}.status"


def statistics(symbol: str) -> str:
    """The session day of a symbol so far."""
    return f"market.{symbol}.statistics"


def inbox_prefix(login: str) -> str:
    """Prefix of the inboxes a log-in may listen on, so that nobody reads another's answers."""
    return f"_INBOX_{login}"


def is_inbox(reply: str) -> bool:
    """Whether an answer may go there. Every worker asks this before it answers a request from outside.

    The server does not check where a request wants its answer: one that names `journal` or `$JS.API.…` would have the
    worker publish there, with the worker's rights.
    """
    return reply.startswith(("_INBOX_", "_INBOX."))
