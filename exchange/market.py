"""The market file: what is traded, by which rules, and who is there. YAML, read by people; every mistake names its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Final, Literal

import msgspec

from .calendar import Calendar
from .messages.base import ACCOUNT_PATTERN, CASH, SYMBOL_PATTERN
from .messages.journal import DefineRisk, DefineSymbol, Fees
from .money import BASIS_POINTS, MONEY_MAX, QUANTITY_MAX, parse_money
from .schedule import Schedule
from .schedule import problem as schedule_problem

OPEN_ORDERS_MAX = 5_000
INVITATION_LENGTH_MIN = 8
WORKERS_MAX = 8
SHARDS_MAX = 64
SYMBOLS_MAX = 10_000
"""So that one journal batch can send all of them into another phase."""
REPLICAS = (1, 3, 5)
BAND_SECONDS_MAX = 86_400


StrategyName = Literal[
    "market-maker",
    "avellaneda-stoikov",
    "noise",
    "trend-follower",
    "mean-reversion",
    "fundamental",
    "twap",
    "vwap",
    "momentum-ignition",
    "arbitrageur",
]


POPULATIONS: Final = ("calm", "busy", "volatile", "crash", "quiet-night")
"""Each a file in populations/; see populations.py."""


class MarketError(ValueError):
    """A market file that cannot be used; the text names the field and says what was expected."""


class Bands(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far prices may be from the reference price. Percent, 0 for no bound; lengths of time as 60s or 5m."""

    order: float = 0
    """Of limit orders: one farther away is refused."""
    trade: float = 0
    """Of trades: one farther away does not happen, a volatility auction begins instead."""
    reference: str | int = "60s"
    """How often the reference price becomes the last one."""
    auction: str | int = "60s"
    """How long a volatility auction lasts."""


class SymbolRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `symbols`. Prices are decimals in the file and units (1/10 000) everywhere else."""

    symbol: str
    name: str
    opening_price: str | int | float
    tick: str | int | float = "0.01"
    lot: int = 1
    shares_issued: int = 1_000_000
    fees: Fees | None = None
    """Instead of the market's fees."""
    bands: Bands | None = None
    """Instead of the market's bands."""
    schedule: Schedule | Literal["always"] | None = None
    """Instead of the market's schedule; `always` for continuous trading without one."""


class AccountRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a new account is given, and whether people may open one themselves."""

    sign_up: Literal["open", "invitation", "off"] = "open"
    invitations: list[str] = []
    """Codes, any of which lets anybody who knows it sign up by invitation, any number of times."""
    cash: str | int | float = 100_000
    shares: dict[str, int] = {}


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one account may do."""

    open_orders: int = 1_000
    """At most OPEN_ORDERS_MAX, so that one cancel-all always fits into one journal batch."""
    orders_per_second: int = 1_000
    """Sustained rate of commands, 0 for no limit; a burst of as many is allowed."""
    order_quantity: int = 1_000_000
    connections_per_address: int = 100
    """Of guests and log-ins together; not of proxies: 127.0.0.1, ::1, EXCHANGE_PROXIES."""


class RiskRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an account may owe. The bots of the market file have no limits, and may not owe anything."""

    mode: Literal["cash", "limits"] = "cash"
    """cash: no borrowing, no shorting. limits, for competitions: both, within the limits below."""
    overdraft: str | int | float = 0
    """Mode limits: how far below nothing an account's cash may go."""
    position: int = 0
    """Shares of one symbol that an account may have and, in mode limits, owe; 0 (mode cash only) for no limit."""
    positions: dict[str, int] = {}
    """Instead of `position`, for these symbols."""


class MarketDataRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How public data is made.

    Rates are messages a second, at most and in the mean, of each symbol and channel: the first change after a pause is sent at
    once, what changes too soon after it goes into the next message. Trades are sent at once and never dropped.
    """

    time_zone: str = "UTC"
    """Of days, weeks and months of candles, and of statistics."""
    day_starts: str = "00:00"
    """When the session day begins there; at noon or later it belongs to the next date."""
    quote: float = 50
    depth: float = 50
    book: float = 50
    candle: float = 5
    statistics: float = 2
    top: float = 2
    """The image of the best 20 levels; sent whether something changed or not."""


class BotRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hosted bot: an ordinary account that trades by a strategy."""

    account: str
    strategy: StrategyName
    symbol: str
    cash: str | int | float = 1_000_000
    shares: int = 100_000
    parameters: dict[str, float] = {}
    """The strategy's numbers; see bots/."""
    related: str = ""
    """The arbitrageur's other symbol."""


class Workers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many processes of each kind `exchange up` starts. Whoever starts them by hand starts as many as needed, any time."""

    ledger: int = 1
    """One leads, the others follow and take over within seconds."""
    engine: int = 0
    """They share the shards; 0 for one a shard, but no more than the machine has cores."""
    ticks: int = 1
    """All of them answer questions, one publishes."""
    historian: int = 1
    """All of them answer questions, each from a file of its own."""


class Market(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole market file."""

    title: str
    symbols: list[SymbolRules]
    fees: Fees = Fees()
    protection: float = 5.0
    """Percent from the last price within which a market order may trade."""
    accounts: AccountRules = AccountRules()
    limits: Limits = Limits()
    shards: int = 1
    """Groups of symbols, each matched by one engine at a time; symbols are dealt to them in turn, and stay there."""
    replicas: int = 1
    """NATS servers that keep each log, lease, snapshot and log-in. With 3 any one of them may be lost, with 5 any two."""
    workers: Workers = Workers()
    seed: int = 1
    """Of all the bots' randomness."""
    population: str = ""
    """Bots for each symbol, besides `bots`: see exchange/populations/. Also `exchange up --population`."""
    bots: list[BotRules] = []
    risk: RiskRules = RiskRules()

    def risk_definition(self) -> DefineRisk:
        """The rules of risk as the journal states them."""
        risk = self.risk
        if risk == RiskRules():
            return DefineRisk()
        exempt = sorted(bot.account for bot in self.bots)
        return DefineRisk(risk.mode, parse_money(risk.overdraft), risk.position, dict(sorted(risk.positions.items())), exempt)

    market_data: MarketDataRules = MarketDataRules()
    bands: Bands = Bands()
    schedule: Schedule | None = None
    """Without one the market is always continuous."""

    def schedules(self) -> dict[str, Schedule | None]:
        """Symbol → the schedule that it follows."""
        return {rules.symbol: None if rules.schedule == "always" else rules.schedule or self.schedule for rules in self.symbols}

    def schedule_of(self) -> Callable[[str], Schedule | None]:
        """Gives the schedule of a symbol; one that the file does not name follows the market's own."""
        schedules = self.schedules()
        return lambda symbol: schedules.get(symbol, self.schedule)

    def definitions(self) -> list[DefineSymbol]:
        """The symbols as the journal states them."""
        return [self.definition(index % self.shards + 1, rules) for index, rules in enumerate(self.symbols)]

    def definition(self, shard: int, rules: SymbolRules) -> DefineSymbol:
        """A symbol as the journal states it."""
        bands = rules.bands or self.bands
        return DefineSymbol(
            symbol=rules.symbol,
            name=rules.name,
            shard=shard,
            tick=parse_money(rules.tick),
            lot=rules.lot,
            opening_price=parse_money(rules.opening_price),
            shares_issued=rules.shares_issued,
            fees=rules.fees or self.fees,
            protection=_basis_points(self.protection),
            order_quantity_max=self.limits.order_quantity,
            order_band=_basis_points(bands.order),
            trade_band=_basis_points(bands.trade),
            reference_seconds=_seconds(bands.reference),
            volatility_auction_seconds=_seconds(bands.auction),
        )


def _basis_points(percent: float) -> int:
    return round(percent * BASIS_POINTS / 100)


def _seconds(text: str | int) -> int:
    """Of a length of time as Bands states it; 0 for one that cannot be read."""
    match = re.fullmatch(r"(\d{1,6})\s*([sm]?)", str(text).strip())
    return int(match[1]) * (60 if match[2] == "m" else 1) if match else 0


def load_market(path: Path | None = None) -> Market:
    """Read a market file, or the built-in one. Raises MarketError, naming the file and the field."""
    if path is None:
        return parse_market(resources.files(__package__).joinpath("market.yaml").read_bytes(), "the built-in market")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MarketError(f"{path}: {error.strerror}") from None
    return parse_market(content, str(path))


def parse_market(content: bytes, origin: str = "market file") -> Market:
    """Parse and check a market file's text. Raises MarketError, naming `origin` and the field."""
    try:
        market = msgspec.yaml.decode(content, type=Market)
    except msgspec.ValidationError as error:
        raise MarketError(f"{origin}: {error}") from None
    except msgspec.DecodeError as error:
        raise MarketError(f"{origin}: not valid YAML: {' '.join(str(error).split())}") from None
    problem = next(_problems(market), None)
    if problem is not None:
        raise MarketError(f"{origin}: {problem}")
    return market


def _problems(market: Market) -> Iterator[str]:
    """Everything msgspec's types cannot say, as sentences that begin with the field's path."""
    if not market.symbols:
        yield "symbols: at least one is needed"
    if len(market.symbols) > SYMBOLS_MAX:
        yield f"symbols: expected at most {SYMBOLS_MAX}, got {len(market.symbols)}"
    if not 1 <= market.shards <= SHARDS_MAX:
        yield f"shards: expected 1 to {SHARDS_MAX}, got {market.shards}"
    if market.replicas not in REPLICAS:
        yield f"replicas: expected 1, 3 or 5, got {market.replicas}"
    yield from _worker_problems(market.workers)
    if not 0 < market.protection < 100:
        yield f"protection: expected percent between 0 and 100, got {market.protection}"
    yield from _fee_problems("fees", market.fees)
    yield from _band_problems("bands", market.bands)
    yield from _schedule_problems("schedule", market.schedule)
    yield from _symbol_problems(market)
    symbols = {rules.symbol for rules in market.symbols}
    yield from _market_data_problems(market.market_data)
    yield from _amount_problems("accounts.cash", market.accounts.cash)
    yield from _invitation_problems(market.accounts)
    for symbol, quantity in market.accounts.shares.items():
        if symbol not in symbols:
            yield f"accounts.shares: {symbol} is not one of the symbols"
        if not 0 <= quantity <= QUANTITY_MAX:
            yield f"accounts.shares.{symbol}: expected 0 or more shares, got {quantity}"
    if not 1 <= market.limits.open_orders <= OPEN_ORDERS_MAX:
        yield f"limits.open_orders: expected 1 to {OPEN_ORDERS_MAX}, got {market.limits.open_orders}"
    if market.limits.orders_per_second < 0:
        yield f"limits.orders_per_second: expected 0 (no limit) or more, got {market.limits.orders_per_second}"
    if market.limits.connections_per_address < 1:
        yield f"limits.connections_per_address: expected 1 or more, got {market.limits.connections_per_address}"
    if not 1 <= market.limits.order_quantity <= QUANTITY_MAX:
        yield f"limits.order_quantity: expected 1 to {QUANTITY_MAX}, got {market.limits.order_quantity}"
    yield from _risk_problems(market.risk, symbols)
    if market.population not in ("", *POPULATIONS):
        yield f"population: expected one of {', '.join(POPULATIONS)}, got {market.population!r}"
    accounts: set[str] = set()
    for index, bot in enumerate(market.bots):
        field = f"bots[{index}]"
        if not re.match(ACCOUNT_PATTERN, bot.account):
            yield f"{field}.account: {bot.account!r} is not an account name (a-z, 0-9, - and _, at most 32)"
        if bot.account in accounts:
            yield f"{field}.account: {bot.account} is there twice"
        accounts.add(bot.account)
        if bot.symbol not in symbols:
            yield f"{field}.symbol: {bot.symbol} is not one of the symbols"
        if (bot.strategy == "arbitrageur") != bool(bot.related) or (bot.related and bot.related not in symbols - {bot.symbol}):
            yield f"{field}.related: an arbitrageur, and nobody else, names another one of the symbols"
        if not 0 <= bot.shares <= QUANTITY_MAX:
            yield f"{field}.shares: expected 0 or more, got {bot.shares}"
        yield from _amount_problems(f"{field}.cash", bot.cash)


def _worker_problems(workers: Workers) -> Iterator[str]:
    for name in ("ledger", "ticks", "historian"):
        if not 1 <= getattr(workers, name) <= WORKERS_MAX:
            yield f"workers.{name}: expected 1 to {WORKERS_MAX}, got {getattr(workers, name)}"
    if not 0 <= workers.engine <= SHARDS_MAX:
        yield f"workers.engine: expected 0 (as many as there are cores) to {SHARDS_MAX}, got {workers.engine}"


def _invitation_problems(rules: AccountRules) -> Iterator[str]:
    if rules.sign_up == "invitation" and not rules.invitations:
        yield "accounts.invitations: at least one code is needed for sign_up: invitation"
    for index, code in enumerate(rules.invitations):
        if len(code) < INVITATION_LENGTH_MIN:
            yield f"accounts.invitations[{index}]: expected at least {INVITATION_LENGTH_MIN} characters, which nobody guesses"


def _symbol_problems(market: Market) -> Iterator[str]:
    seen: set[str] = set()
    for index, rules in enumerate(market.symbols):
        field = f"symbols[{index}]"
        if rules.symbol in seen:
            yield f"{field}.symbol: {rules.symbol} is there twice"
        seen.add(rules.symbol)
        yield from (f"{field}.{problem}" for problem in symbol_problems(rules))


def symbol_problems(rules: SymbolRules) -> Iterator[str]:
    """What is wrong with a symbol, as sentences that begin with the field."""
    if not re.match(SYMBOL_PATTERN, rules.symbol):
        yield f"symbol: {rules.symbol!r} is not a symbol (A-Z, 0-9, at most 12, a letter first)"
    if rules.symbol == CASH:
        yield f"symbol: {CASH} is the money, not a symbol"
    for name in ("tick", "opening_price"):
        yield from _amount_problems(name, getattr(rules, name), least=1)
    if rules.lot < 1:
        yield f"lot: expected 1 or more, got {rules.lot}"
    if not 0 <= rules.shares_issued <= QUANTITY_MAX:
        yield f"shares_issued: expected 0 to {QUANTITY_MAX}, got {rules.shares_issued}"
    if rules.fees is not None:
        yield from _fee_problems("fees", rules.fees)
    if rules.bands is not None:
        yield from _band_problems("bands", rules.bands)
    if isinstance(rules.schedule, Schedule):
        yield from _schedule_problems("schedule", rules.schedule)
    if parse_money(rules.opening_price) % parse_money(rules.tick):
        yield f"opening_price: {rules.opening_price} is not a multiple of the tick {rules.tick}"


def _risk_problems(risk: RiskRules, symbols: set[str]) -> Iterator[str]:
    yield from _amount_problems("risk.overdraft", risk.overdraft)
    limits = risk.mode == "limits"
    if not limits and risk.overdraft:
        yield "risk.overdraft: mode cash has none; did you mean mode: limits?"
    for field, position in (("position", risk.position), *((f"positions.{symbol}", n) for symbol, n in risk.positions.items())):
        if not 0 <= position <= QUANTITY_MAX:
            yield f"risk.{field}: expected 0 or more shares, got {position}"
    for symbol in risk.positions:
        if symbol not in symbols:
            yield f"risk.positions: {symbol} is not one of the symbols"
    if limits and not all(risk.positions.get(symbol, risk.position) for symbol in symbols):
        yield "risk.position: mode limits needs a limit for each symbol"


def _market_data_problems(rules: MarketDataRules) -> Iterator[str]:
    try:
        Calendar(rules.time_zone, rules.day_starts)
    except ValueError as error:
        yield f"market_data: {error}"
    for name in ("quote", "depth", "book", "candle", "statistics", "top"):
        if not 0.1 <= getattr(rules, name) <= 1_000:
            yield f"market_data.{name}: expected 0.1 to 1000 messages a second, got {getattr(rules, name):g}"


def _fee_problems(field: str, fees: Fees) -> Iterator[str]:
    if not 0 <= fees.taker <= 1_000:
        yield f"{field}.taker: expected 0 to 1000 basis points, got {fees.taker}"
    if not -fees.taker <= fees.maker <= 1_000:
        yield f"{field}.maker: expected a rebate of at most the taker fee, or 0 to 1000 basis points, got {fees.maker}"


def _band_problems(field: str, bands: Bands) -> Iterator[str]:
    for name in ("order", "trade"):
        percent = getattr(bands, name)
        if not (percent == 0 or 0.01 <= percent < 100):
            yield f"{field}.{name}: expected percent between 0.01 and 100, or 0 for no band, got {percent}"
    for name in ("reference", "auction"):
        length = getattr(bands, name)
        if not 1 <= _seconds(length) <= BAND_SECONDS_MAX:
            yield f"{field}.{name}: expected a length of time like 60s or 5m, at most a day, got {length}"


def _schedule_problems(field: str, schedule: Schedule | None) -> Iterator[str]:
    if schedule is not None and (problem := schedule_problem(schedule)):
        yield f"{field}.{problem}"


def _amount_problems(field: str, amount: str | int | float, least: int = 0) -> Iterator[str]:
    try:
        units = parse_money(amount)
    except ValueError as error:
        yield f"{field}: {error}"
        return
    if not least <= units <= MONEY_MAX:
        yield f"{field}: expected {'a positive amount' if least else '0 or more'}, got {amount}"
