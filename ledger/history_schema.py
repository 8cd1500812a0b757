"""The historian's tables and views.

Tables are named after what happened (`placed`, `traded` …), are only ever appended to, and hold numbers wherever they can:
names of accounts, symbols and words stand once in `names`, because columns of text are four times as slow to write. Views
are named after what people ask for (`orders`, `trades`, `postings` …) and give the names back.
"""

from typing import Final

from exchange.messages.base import BANK, CASH, FEES, ISSUER

VERSION: Final = 4

FIRST_NAMES: Final = (CASH, BANK, ISSUER, FEES)
"""The names with ids 0, 1, 2, 3; the views rely on it."""
CASH_ID: Final = FIRST_NAMES.index(CASH)
FEES_ID: Final = FIRST_NAMES.index(FEES)

TABLES: Final = """
    CREATE TABLE names (id INTEGER, name VARCHAR);

    CREATE TABLE opened (account INTEGER, journal BIGINT, time BIGINT);

    -- An account became active, frozen or closed, or was reset.
    CREATE TABLE changed (journal BIGINT, time BIGINT, account INTEGER, change INTEGER, reason VARCHAR);

    CREATE TABLE transferred (
        journal BIGINT, time BIGINT, asset INTEGER, amount BIGINT, source INTEGER, target INTEGER, reason VARCHAR, key VARCHAR
    );

    CREATE TABLE defined (
        journal BIGINT, time BIGINT, symbol INTEGER, name VARCHAR, shard INTEGER, tick BIGINT, lot BIGINT, opening_price BIGINT,
        shares_issued BIGINT, maker_fee INTEGER, taker_fee INTEGER, protection INTEGER, order_quantity_max BIGINT,
        order_band INTEGER, trade_band INTEGER, reference_seconds BIGINT, volatility_auction_seconds BIGINT
    );

    -- What an account wants of its orders from here on.
    CREATE TABLE ruled (journal BIGINT, time BIGINT, account INTEGER, self_trade INTEGER, cancel_on_disconnect BOOLEAN);

    -- Fees are those in force when the order was accepted, in basis points. `pair` is the other order of an OCO pair, or the
    -- other leg of a bracket, `entry` a leg's entry; 0 for none.
    CREATE TABLE placed (
        order_id BIGINT, journal BIGINT, time BIGINT, account INTEGER, client_order_id VARCHAR, symbol INTEGER, buy BOOLEAN,
        quantity BIGINT, price BIGINT, hold BIGINT, kind INTEGER, tif INTEGER, maker_fee INTEGER, taker_fee INTEGER,
        stop_price BIGINT, trail BIGINT, trail_basis_points INTEGER, expires BIGINT, post_only BOOLEAN, display BIGINT,
        self_trade INTEGER, pair BIGINT, entry BIGINT
    );

    CREATE TABLE refused (
        journal BIGINT, time BIGINT, account INTEGER, reason INTEGER, detail VARCHAR, client_order_id VARCHAR, symbol VARCHAR,
        side VARCHAR, quantity BIGINT, price BIGINT
    );

    -- Refusals for too high a rate are only counted.
    CREATE TABLE rate_refused (journal BIGINT, time BIGINT, refusals BIGINT);

    -- Here and below, `shard`, `batch` and `event` (from 0 within the batch) say where in the logs it stands, and `journal`
    -- what caused it: the numbers with which anybody who has the logs can prove it. `number` counts the rows.
    -- In an auction nobody takes: the maker is the seller, the taker the buyer, and both pay the taker's fee.
    CREATE TABLE traded (
        number BIGINT, symbol INTEGER, trade_id BIGINT, shard INTEGER, batch BIGINT, event INTEGER, journal BIGINT, time BIGINT,
        price BIGINT, quantity BIGINT, taker_buys BOOLEAN, maker_order_id BIGINT, taker_order_id BIGINT,
        maker INTEGER, taker INTEGER, maker_fee BIGINT, taker_fee BIGINT, auction BOOLEAN
    );

    -- An order went to the back of the queue at its price, with `quantity` shown: it rested, or an iceberg's next part came.
    CREATE TABLE queued (
        order_id BIGINT, shard INTEGER, batch BIGINT, event INTEGER, journal BIGINT, time BIGINT, symbol INTEGER, buy BOOLEAN,
        price BIGINT, quantity BIGINT
    );

    -- A stop price was reached: `price` is the stop price as it stood.
    CREATE TABLE triggered (
        order_id BIGINT, shard INTEGER, batch BIGINT, event INTEGER, journal BIGINT, time BIGINT, price BIGINT
    );

    -- A new price or quantity: `quantity` is open from here on, which is `change` more than before.
    CREATE TABLE replaced (
        order_id BIGINT, shard INTEGER, batch BIGINT, event INTEGER, journal BIGINT, time BIGINT, price BIGINT,
        stop_price BIGINT, quantity BIGINT, change BIGINT, kept_place BOOLEAN
    );

    -- A leg of a bracket came to life with what its entry traded: `quantity` is open from here on, `change` more than before.
    CREATE TABLE activated (
        order_id BIGINT, shard INTEGER, batch BIGINT, event INTEGER, journal BIGINT, time BIGINT, quantity BIGINT, change BIGINT
    );

    -- `quantity` was taken off without a trade of its own: by self-trade prevention (reason self_trade), or because the other
    -- order of its pair lost as much (pair).
    CREATE TABLE decremented (
        order_id BIGINT, shard INTEGER, batch BIGINT, event INTEGER, journal BIGINT, time BIGINT, quantity BIGINT,
        reason INTEGER
    );

    -- How every order ended: `filled` of it traded, `quantity` was open and stayed unfilled. The reason is that of the
    -- cancellation, `filled`, or `self_trade` for an order of which prevention left nothing.
    CREATE TABLE ended (
        order_id BIGINT, shard INTEGER, batch BIGINT, event INTEGER, journal BIGINT, time BIGINT, filled BIGINT,
        quantity BIGINT, reason INTEGER
    );

    -- The phases of a symbol's day; `ends` is 0 unless a phase ends by itself.
    CREATE TABLE phased (
        symbol INTEGER, shard INTEGER, batch BIGINT, event INTEGER, journal BIGINT, time BIGINT, phase INTEGER,
        reason VARCHAR, ends BIGINT
    );
"""

VIEWS: Final = f"""
    CREATE VIEW accounts AS
    SELECT name AS account, journal, time FROM opened JOIN names ON id = account;

    CREATE VIEW account_changes AS
    SELECT c.* REPLACE (a.name AS account, w.name AS change)
    FROM changed c JOIN names a ON a.id = c.account JOIN names w ON w.id = c.change;

    CREATE VIEW transfers AS
    SELECT t.journal, t.time, a.name AS asset, t.amount, s.name AS source, g.name AS target, t.reason, t.key
    FROM transferred t JOIN names a ON a.id = t.asset JOIN names s ON s.id = t.source JOIN names g ON g.id = t.target;

    CREATE VIEW symbols AS
    SELECT d.* REPLACE (n.name AS symbol) FROM defined d JOIN names n ON n.id = d.symbol;

    CREATE VIEW phases AS
    SELECT p.* REPLACE (s.name AS symbol, w.name AS phase)
    FROM phased p JOIN names s ON s.id = p.symbol JOIN names w ON w.id = p.phase;

    CREATE VIEW rules AS
    SELECT r.* REPLACE (a.name AS account, w.name AS self_trade)
    FROM ruled r JOIN names a ON a.id = r.account JOIN names w ON w.id = r.self_trade;

    CREATE VIEW refusals AS
    SELECT r.* REPLACE (a.name AS account, w.name AS reason)
    FROM refused r JOIN names a ON a.id = r.account JOIN names w ON w.id = r.reason;

    CREATE VIEW endings AS
    SELECT e.* REPLACE (w.name AS reason) FROM ended e JOIN names w ON w.id = e.reason;

    CREATE VIEW decrements AS
    SELECT d.* REPLACE (w.name AS reason) FROM decremented d JOIN names w ON w.id = d.reason;

    CREATE VIEW trades AS
    SELECT t.* EXCLUDE (taker_buys) REPLACE (s.name AS symbol, m.name AS maker, k.name AS taker),
        CASE WHEN taker_buys THEN 'buy' ELSE 'sell' END AS side
    FROM traded t JOIN names s ON s.id = t.symbol JOIN names m ON m.id = t.maker JOIN names k ON k.id = t.taker;

    -- Both sides of every trade, with ids. fill_id: newer fills have larger ones.
    CREATE VIEW filled AS
    SELECT 2 * number AS fill_id, maker AS account, maker_order_id AS order_id, symbol, trade_id, NOT taker_buys AS buy,
        price, quantity, maker_fee AS fee, if(auction, 'auction', 'maker') AS liquidity, time
    FROM traded
    UNION ALL
    SELECT 2 * number + 1, taker, taker_order_id, symbol, trade_id, taker_buys, price, quantity, taker_fee,
        if(auction, 'auction', 'taker'), time
    FROM traded;

    CREATE VIEW fills AS
    SELECT f.* EXCLUDE (buy) REPLACE (a.name AS account, s.name AS symbol), CASE WHEN buy THEN 'buy' ELSE 'sell' END AS side
    FROM filled f JOIN names a ON a.id = f.account JOIN names s ON s.id = f.symbol;

    -- Whatever made the open quantity of an order another one, other than what decremented it.
    CREATE VIEW resized AS
    SELECT order_id, shard, batch, event, change FROM replaced
    UNION ALL
    SELECT order_id, shard, batch, event, change FROM activated;

    -- Open orders, with ids: in the book, or waiting for a price, an auction or an entry. Sums, so that the order of events
    -- does not matter.
    CREATE VIEW resting AS
    SELECT p.*, coalesce(f.quantity, 0) AS filled,
        p.quantity + coalesce(r.change, 0) - coalesce(d.quantity, 0) - coalesce(f.quantity, 0) AS remaining,
        coalesce(q.price, p.price) AS queue_price
    FROM (SELECT * FROM placed ANTI JOIN ended USING (order_id)) p
    LEFT JOIN (SELECT order_id, sum(quantity)::BIGINT AS quantity FROM filled GROUP BY order_id) f USING (order_id)
    LEFT JOIN (SELECT order_id, sum(change)::BIGINT AS change FROM resized GROUP BY order_id) r USING (order_id)
    LEFT JOIN (SELECT order_id, sum(quantity)::BIGINT AS quantity FROM decremented GROUP BY order_id) d USING (order_id)
    LEFT JOIN (SELECT order_id, arg_max(price, (batch, event)) AS price FROM queued GROUP BY order_id) q USING (order_id);

    -- Prices and quantity as they were placed; `open` is what can still trade.
    CREATE VIEW orders AS
    SELECT p.order_id, p.journal, p.time, a.name AS account, p.client_order_id, s.name AS symbol,
        CASE WHEN p.buy THEN 'buy' ELSE 'sell' END AS side, p.quantity, p.price, p.hold, k.name AS kind, t.name AS tif,
        coalesce(e.filled, r.filled) AS filled,
        CASE WHEN e.order_id IS NULL THEN 'open' WHEN w.name = 'filled' THEN 'filled' ELSE 'cancelled' END AS status,
        CASE WHEN w.name <> 'filled' THEN w.name ELSE '' END AS reason, e.time AS end_time,
        p.stop_price, p.trail, p.trail_basis_points, p.expires, p.post_only, p.display, m.name AS self_trade,
        coalesce(r.remaining, 0) AS open, p.pair, p.entry
    FROM placed p
    JOIN names a ON a.id = p.account JOIN names s ON s.id = p.symbol JOIN names k ON k.id = p.kind JOIN names t ON t.id = p.tif
    JOIN names m ON m.id = p.self_trade
    LEFT JOIN ended e USING (order_id) LEFT JOIN names w ON w.id = e.reason LEFT JOIN resting r USING (order_id);

    -- Double entry, with ids: what every transfer, trade and fee adds to an account. Sums to zero per asset and reference.
    -- `shard` and `batch` say where in the events a trade stands; shard 0 for transfers, which stand in the journal.
    CREATE VIEW posted AS
    SELECT journal, 0 AS shard, 0 AS batch, time, 'transfer' AS kind, journal AS reference, source AS account, asset,
        -amount AS amount, reason, NULL::INTEGER AS symbol, 0 AS price
    FROM transferred
    UNION ALL
    SELECT journal, 0, 0, time, 'transfer', journal, target, asset, amount, reason, NULL, 0 FROM transferred
    UNION ALL
    SELECT journal, shard, batch, time, 'trade', number, taker, {CASH_ID}, price * quantity * if(taker_buys, -1, 1), '',
        symbol, price
    FROM traded
    UNION ALL
    SELECT journal, shard, batch, time, 'trade', number, maker, {CASH_ID}, price * quantity * if(taker_buys, 1, -1), '',
        symbol, price
    FROM traded
    UNION ALL
    SELECT journal, shard, batch, time, 'trade', number, taker, symbol, quantity * if(taker_buys, 1, -1), '', symbol, price
    FROM traded
    UNION ALL
    SELECT journal, shard, batch, time, 'trade', number, maker, symbol, quantity * if(taker_buys, -1, 1), '', symbol, price
    FROM traded
    UNION ALL
    SELECT journal, shard, batch, time, 'fee', number, taker, {CASH_ID}, -taker_fee, '', symbol, price
    FROM traded WHERE taker_fee <> 0
    UNION ALL
    SELECT journal, shard, batch, time, 'fee', number, maker, {CASH_ID}, -maker_fee, '', symbol, price
    FROM traded WHERE maker_fee <> 0
    UNION ALL
    SELECT journal, shard, batch, time, 'fee', number, {FEES_ID}, {CASH_ID}, maker_fee + taker_fee, '', symbol, price
    FROM traded WHERE maker_fee + taker_fee <> 0;

    CREATE VIEW postings AS
    SELECT p.* REPLACE (a.name AS account, s.name AS asset, t.name AS symbol)
    FROM posted p JOIN names a ON a.id = p.account JOIN names s ON s.id = p.asset LEFT JOIN names t ON t.id = p.symbol;

    CREATE VIEW balances AS
    SELECT a.name AS account, s.name AS asset, amount
    FROM (SELECT account, asset, sum(amount) AS amount FROM posted GROUP BY account, asset) b
    JOIN names a ON a.id = b.account JOIN names s ON s.id = b.asset;
"""

SCHEMA: Final = TABLES + VIEWS

EXPORTED: Final = (
    *("accounts", "account_changes", "rules", "transfers", "symbols", "phases", "orders", "trades", "fills", "endings"),
    *("refusals", "rate_refused", "triggered", "replaced", "activated", "decrements", "postings", "balances", "queued"),
)
"""Views and tables that mean something to people: what `exchange export` writes."""
