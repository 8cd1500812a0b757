"""Explains an order: when it was accepted, what stood and traded before it, what filled it, how it ended, or why not.

Everything comes from the rows, and every row says where in the logs it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from exchange.keeping import cut_logs
from exchange.log import Log
from exchange.messages.account import OrderRecord
from exchange.messages.base import CLIENT_ORDER_ID_LENGTH_MAX, decoder
from exchange.messages.explanation import (
    ExplainQuestion,
    Explanation,
    LogPlace,
    OrderRefusal,
    OrderStep,
    QueuePlace,
    TradeAhead,
)
from exchange.messages.requests import Refused
from exchange.questions import Questions
from exchange.subjects import JOURNAL, admin, api, events_log

from .history import History
from .history_answers import ORDERS
from .history_rows import INTEGER_MAX

ADMIN_EXPLAIN: Final = admin("explain")
STEPS_MAX: Final = 1_000
AHEAD_MAX: Final = 100
REFUSALS_MAX: Final = 100
"""What one answer holds, so that it fits into a message."""

# Orders events in one number: a batch of one megabyte has fewer than a million.
AT: Final = "batch * 1048576 + event"

BY_ID: Final = "SELECT order_id, account, symbol, buy, journal, time FROM placed WHERE order_id = $order"
BY_CLIENT_ID: Final = """
    SELECT order_id, account, symbol, buy, journal, time FROM placed
    WHERE account = $account AND client_order_id = $client_order_id ORDER BY order_id DESC LIMIT 1
"""
REFUSALS: Final = """
    SELECT a.name, w.name, r.detail, r.symbol, r.side, r.quantity, r.price, r.journal, r.time
    FROM refused r JOIN names a ON a.id = r.account JOIN names w ON w.id = r.reason
    WHERE r.account = $account AND r.client_order_id = $client_order_id ORDER BY r.journal LIMIT $limit
"""
STEPS: Final = f"""
    SELECT 'queued' AS what, shard, batch, event, journal, time, price, quantity, 0 AS trade_id, 0 AS fee, '' AS liquidity,
        '' AS reason
    FROM queued WHERE order_id = $order
    UNION ALL
    SELECT 'filled', shard, batch, event, journal, time, price, quantity, trade_id, maker_fee,
        if(auction, 'auction', 'maker'), ''
    FROM traded WHERE maker_order_id = $order
    UNION ALL
    SELECT 'filled', shard, batch, event, journal, time, price, quantity, trade_id, taker_fee,
        if(auction, 'auction', 'taker'), ''
    FROM traded WHERE taker_order_id = $order
    UNION ALL
    SELECT 'triggered', shard, batch, event, journal, time, price, 0, 0, 0, '', '' FROM triggered WHERE order_id = $order
    UNION ALL
    SELECT 'replaced', shard, batch, event, journal, time, price, quantity, 0, 0, '', '' FROM replaced WHERE order_id = $order
    UNION ALL
    SELECT 'activated', shard, batch, event, journal, time, 0, quantity, 0, 0, '', '' FROM activated WHERE order_id = $order
    UNION ALL
    SELECT 'decremented', shard, batch, event, journal, time, 0, quantity, 0, 0, '', reason
    FROM decrements WHERE order_id = $order
    UNION ALL
    SELECT 'ended', shard, batch, event, journal, time, 0, quantity, 0, 0, '', if(w.name = 'owner' AND journal IN (
        SELECT journal FROM account_changes WHERE account = $name AND change = 'frozen'), 'account_frozen', w.name)
    FROM ended JOIN names w ON w.id = reason WHERE order_id = $order
    ORDER BY {AT}, what = 'ended' LIMIT $limit
"""
STEPS_COUNT: Final = """
    SELECT (SELECT count(*) FROM queued WHERE order_id = $order)
        + (SELECT count(*) FROM traded WHERE maker_order_id = $order OR taker_order_id = $order)
        + (SELECT count(*) FROM triggered WHERE order_id = $order) + (SELECT count(*) FROM replaced WHERE order_id = $order)
        + (SELECT count(*) FROM activated WHERE order_id = $order) + (SELECT count(*) FROM decremented WHERE order_id = $order)
        + (SELECT count(*) FROM ended WHERE order_id = $order)
"""
# When the order first went into the book, when it last went to the back of a queue there, whether a replacement took it out
# since (to wait for an auction), and when it ended.
WAITED: Final = f"""
    SELECT q.batch, q.event, q.shard, q.time, q.price, q.quantity, l.batch * 1048576 + l.event, l.price,
        EXISTS (SELECT 1 FROM replaced r WHERE r.order_id = $order AND NOT r.kept_place
            AND (r.batch, r.event) > (l.batch, l.event)),
        coalesce((SELECT {AT} FROM ended WHERE order_id = $order), {INTEGER_MAX})
    FROM (SELECT * FROM queued WHERE order_id = $order ORDER BY {AT} LIMIT 1) q,
        (SELECT * FROM queued WHERE order_id = $order ORDER BY {AT} DESC LIMIT 1) l
"""
# All others that stood at this price or a better one just before $at, having queued before $since at the same price. What an
# order shows is all that is open of it, or, of an iceberg, at most what is left of the part it showed last.
QUEUE: Final = f"""
    WITH latest AS (
        SELECT order_id, max({AT}) AS since, arg_max(price, {AT}) AS price, arg_max(quantity, {AT}) AS shown
        FROM queued WHERE symbol = $symbol AND buy = $buy AND shard = $shard AND {AT} < $at AND order_id <> $order
        GROUP BY order_id
    ), standing AS (
        SELECT * FROM latest l
        WHERE if($buy, price > $price, price < $price) OR (price = $price AND since < $since)
    ), here AS (
        SELECT * FROM standing s
        ANTI JOIN (SELECT order_id FROM ended WHERE shard = $shard AND {AT} < $at) e USING (order_id)
    ), moved AS (
        SELECT h.order_id FROM here h JOIN replaced r USING (order_id)
        WHERE NOT r.kept_place AND r.batch * 1048576 + r.event > h.since AND r.batch * 1048576 + r.event < $at
    ), changes AS (
        SELECT maker_order_id AS order_id, {AT} AS at, quantity AS shown, -quantity AS open FROM traded
        WHERE symbol = $symbol AND {AT} < $at AND maker_order_id IN (SELECT order_id FROM here)
        UNION ALL
        SELECT taker_order_id, {AT}, if(auction, quantity, 0), -quantity FROM traded
        WHERE symbol = $symbol AND {AT} < $at AND taker_order_id IN (SELECT order_id FROM here)
        UNION ALL
        SELECT order_id, {AT}, quantity, -quantity FROM decremented
        WHERE shard = $shard AND {AT} < $at AND order_id IN (SELECT order_id FROM here)
        UNION ALL
        SELECT order_id, {AT}, 0, change FROM resized
        WHERE shard = $shard AND {AT} < $at AND order_id IN (SELECT order_id FROM here)
    ), summed AS (
        SELECT order_id, sum(if(c.at > h.since, c.shown, 0)) AS gone, sum(c.open) AS change
        FROM here h JOIN changes c USING (order_id) GROUP BY order_id
    ), found AS (
        SELECT h.price, least(p.quantity + coalesce(s.change, 0),
            if(p.display = 0, {INTEGER_MAX}, h.shown - coalesce(s.gone, 0))) AS shown
        FROM here h JOIN placed p USING (order_id) LEFT JOIN summed s USING (order_id) ANTI JOIN moved USING (order_id)
    )
    SELECT count(*) FILTER (price <> $price), coalesce(sum(shown) FILTER (price <> $price), 0)::BIGINT,
        count(*) FILTER (price = $price), coalesce(sum(shown) FILTER (price = $price), 0)::BIGINT
    FROM found WHERE shown > 0
"""
# On its side of the book: in an auction the buyer, who is called the taker, has waited there, too.
AHEAD: Final = f"""
    SELECT trade_id, price, quantity, shard, batch, event, time, count(*) OVER (), (sum(quantity) OVER ())::BIGINT FROM traded
    WHERE symbol = $symbol AND {AT} > $since AND {AT} < $until AND (
        (taker_buys <> $buy AND maker_order_id <> $order) OR (auction AND $buy AND taker_order_id <> $order))
    ORDER BY {AT} LIMIT $limit
"""

_decode: Final = decoder(ExplainQuestion).decode


class Explain:
    """The historian's answers to api.<account>.explain and admin.explain."""

    def __init__(self, history: History, logs: Mapping[str, Log] | None = None) -> None:
        self._history = history
        self._logs = logs or {}

    async def open(self, questions: Questions) -> None:
        """Answer from now on."""
        await questions.answer(api("*", "explain"), self.own)
        await questions.answer(ADMIN_EXPLAIN, self.any)

    async def own(self, subject: str, payload: bytes) -> Explanation | Refused:
        """An order of the account that asks."""
        return await self._explain(_decode(payload), subject.split(".")[1])

    async def any(self, _: str, payload: bytes) -> Explanation | Refused:
        """Any order, for the operator."""
        question: ExplainQuestion = _decode(payload)
        if question.client_order_id and not question.account:
            return Refused("malformed", "account: a client's id says which order only together with the account")
        return await self._explain(question, question.account)

    async def _explain(self, question: ExplainQuestion, account: str) -> Explanation | Refused:
        order_id, client_order_id = question.order_id, question.client_order_id
        if (order_id == 0) == (not client_order_id):
            return Refused("malformed", "name the order by order_id or by client_order_id")
        if not 0 <= order_id <= INTEGER_MAX or len(client_order_id) > CLIENT_ORDER_ID_LENGTH_MAX:
            return Refused("unknown_order", "there is no such order")
        await self._history.settled()
        ask = self._history.database.ask
        unknown = Refused("unknown_order", f"there is no order {order_id or client_order_id}")
        owner = self._history.names.get(account)
        if account and owner is None:
            return unknown
        wanted = {"account": owner, "client_order_id": client_order_id}
        refusals = await ask(REFUSALS, {**wanted, "limit": REFUSALS_MAX}) if client_order_id else []
        told = [_refusal(row) for row in refusals]
        found = await (ask(BY_CLIENT_ID, wanted) if client_order_id else ask(BY_ID, {"order": order_id}))
        if not found or (account and found[0][1] != owner):  # Another's order is as unknown as one that never was.
            return Explanation(account, refusals=told, kept_from=await cut_logs(self._logs)) if told else unknown
        return await self._life(found[0], told)

    async def _life(self, row: tuple[Any, ...], refusals: list[OrderRefusal]) -> Explanation:
        order_id, account, symbol, buy, journal, _ = row
        one = {"order": order_id}
        page = {"account": account, "before": order_id + 1, "symbol": -1, "limit": 1}
        book = {"order": order_id, "symbol": symbol, "buy": buy}
        ((name,),) = await self._history.database.ask("SELECT name FROM names WHERE id = $id", {"id": account})
        (record,), steps, ((count,),), waited, through = await self._history.database.ask_all(
            [
                (ORDERS, page),
                (STEPS, {**one, "name": name, "limit": STEPS_MAX}),
                (STEPS_COUNT, one),
                (WAITED, one),
                ("SELECT log, number FROM positions", {}),
            ]
        )
        order = OrderRecord(*record)
        queue = now = None
        ahead: list[tuple[Any, ...]] = []
        if waited:
            batch, event, shard, time, price, shown, last, last_price, out, ended = waited[0]
            first = batch * 1048576 + event
            then = {**book, "shard": shard, "price": price, "since": first, "at": first}
            trades = {**book, "since": first, "until": ended, "limit": AHEAD_MAX}
            place = LogPlace(events_log(shard), batch, event)
            (before,), ahead = await self._history.database.ask_all([(QUEUE, then), (AHEAD, trades)])
            queue = _queue_place(price, shown, before, place, time)
            if order.status == "open" and not out:
                still = {**then, "price": last_price, "since": last, "at": INTEGER_MAX}
                (before,) = await self._history.database.ask(QUEUE, still)
                shown = min(order.open, order.display or order.open)
                numbers: dict[str, int] = dict(through)
                now = _queue_place(last_price, shown, before, LogPlace(place.log, numbers[place.log]), 0)
        return Explanation(
            name,
            order,
            LogPlace(JOURNAL, journal),
            queue,
            now,
            ahead[0][7] if ahead else 0,
            ahead[0][8] if ahead else 0,
            [_trade(row) for row in ahead],
            [_step(row) for row in steps],
            count - len(steps),
            refusals,
            await cut_logs(self._logs),
        )


def _queue_place(price: int, shown: int, before: tuple[Any, ...], place: LogPlace, time: int) -> QueuePlace:
    orders_better, quantity_better, orders_ahead, quantity_ahead = before
    return QueuePlace(price, shown, orders_better, quantity_better, orders_ahead, quantity_ahead, place, time)


def _refusal(row: tuple[Any, ...]) -> OrderRefusal:
    account, reason, detail, symbol, side, quantity, price, journal, time = row
    return OrderRefusal(account, reason, detail, symbol, side, quantity, price, LogPlace(JOURNAL, journal), time)


def _trade(row: tuple[Any, ...]) -> TradeAhead:
    trade_id, price, quantity, shard, batch, event, time, _, _ = row
    return TradeAhead(trade_id, price, quantity, LogPlace(events_log(shard), batch, event), time)


def _step(row: tuple[Any, ...]) -> OrderStep:
    what, shard, batch, event, journal, time, price, quantity, trade_id, fee, liquidity, reason = row
    place = LogPlace(events_log(shard), batch, event)
    return OrderStep(what, place, journal, time, price, quantity, trade_id, fee, liquidity or None, reason)
