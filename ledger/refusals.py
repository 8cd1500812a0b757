"""Why a request changed nothing: a word for programs, and a sentence for people.

The reasons of a submission stand here in the order in which they are checked: an earlier one hides a later one. The sentences
about its conditions (time in force, flags, trail and stop price) are in condition_refusals.py, those about the symbol's phase,
the price band and groups of orders in phase_refusals.py and group_refusals.py.
"""

from __future__ import annotations

from typing import Final

from exchange.messages.base import CLIENT_ORDER_ID_LENGTH_MAX, COMMANDS_PER_REQUEST_MAX
from exchange.messages.journal import DefineSymbol
from exchange.messages.requests import Cancel, Refused, Replace, Submit
from exchange.money import MONEY_MAX, QUANTITY_MAX, format_money

BUSY: Final = "busy"
MALFORMED: Final = "malformed"
TOO_MANY_COMMANDS: Final = "too_many_commands"
UNKNOWN_ACCOUNT: Final = "unknown_account"
# Here a submission with a known client order id is answered: Accepted, duplicate.
RATE: Final = "rate"
ACCOUNT_FROZEN: Final = "account_frozen"
ACCOUNT_CLOSED: Final = "account_closed"
CLIENT_ORDER_ID: Final = "client_order_id"
UNKNOWN_SYMBOL: Final = "unknown_symbol"
QUANTITY_NOT_POSITIVE: Final = "quantity_not_positive"
QUANTITY_OFF_LOT: Final = "quantity_off_lot"
QUANTITY_TOO_LARGE: Final = "quantity_too_large"
HALTED: Final = "halted"
CLOSED: Final = "closed"
AUCTION: Final = "auction"
AUCTION_OVER: Final = "auction_over"
TIME_IN_FORCE: Final = "time_in_force"
EXPIRES_MISSING: Final = "expires_missing"
EXPIRES_UNEXPECTED: Final = "expires_unexpected"
EXPIRES_PAST: Final = "expires_past"
EXPIRES_TOO_FAR: Final = "expires_too_far"
POST_ONLY: Final = "post_only"
DISPLAY_UNEXPECTED: Final = "display_unexpected"
DISPLAY_NOT_POSITIVE: Final = "display_not_positive"
DISPLAY_OFF_LOT: Final = "display_off_lot"
DISPLAY_TOO_LARGE: Final = "display_too_large"
TRAIL_UNEXPECTED: Final = "trail_unexpected"
TRAIL_MISSING: Final = "trail_missing"
TRAIL_TWICE: Final = "trail_twice"
TRAIL_BASIS_POINTS: Final = "trail_basis_points"
TRAIL_NOT_POSITIVE: Final = "trail_not_positive"
TRAIL_OFF_TICK: Final = "trail_off_tick"
TRAIL_TOO_LARGE: Final = "trail_too_large"
STOP_PRICE_UNEXPECTED: Final = "stop_price_unexpected"
STOP_PRICE_MISSING: Final = "stop_price_missing"
STOP_PRICE_NOT_POSITIVE: Final = "stop_price_not_positive"
STOP_PRICE_OFF_TICK: Final = "stop_price_off_tick"
STOP_PRICE_TOO_LARGE: Final = "stop_price_too_large"
PRICE_UNEXPECTED: Final = "price_unexpected"
PRICE_MISSING: Final = "price_missing"
PRICE_NOT_POSITIVE: Final = "price_not_positive"
PRICE_OFF_TICK: Final = "price_off_tick"
PRICE_TOO_LARGE: Final = "price_too_large"
PRICE_OUTSIDE_BAND: Final = "price_outside_band"
VALUE_TOO_LARGE: Final = "value_too_large"
TOO_MANY_OPEN_ORDERS: Final = "too_many_open_orders"
POSITION_LIMIT: Final = "position_limit"
CASH_LIMIT: Final = "cash_limit"
INSUFFICIENT_FUNDS: Final = "insufficient_funds"
INSUFFICIENT_SHARES: Final = "insufficient_shares"
# An OCO pair or a bracket: all of the above for each of its orders in turn, then how they fit together.
GROUP: Final = "group"
# Cancels and replaces
UNKNOWN_ORDER: Final = "unknown_order"
# Replaces: pending, halted, closed, nothing to change, another quantity of an order of a group; then as for a submission what
# they change of the quantity, the stop price, the price; then value and means (of a pair's order: whether its hold is enough).
REPLACE_PENDING: Final = "replace_pending"
NOTHING_TO_CHANGE: Final = "nothing_to_change"
GROUPED: Final = "grouped"
# The operator's requests
ACCOUNT_NAME: Final = "account_name"
TOO_MANY_ACCOUNTS: Final = "too_many_accounts"
AMOUNT_NOT_POSITIVE: Final = "amount_not_positive"
AMOUNT_TOO_LARGE: Final = "amount_too_large"
OPEN_ORDERS: Final = "open_orders"

TEXT_LENGTH_MAX: Final = 200


def clip(text: str, length: int) -> str:
    """A stranger's text made fit for logs and answers: bounded, and nothing that is not printable."""
    text = text[:length]
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)


def bounded(number: int) -> int:
    """A stranger's number made fit for logs: within ± MONEY_MAX."""
    return max(-MONEY_MAX, min(number, MONEY_MAX))


def money(units: int) -> str:
    """A stranger's amount in words."""
    return format_money(units) if abs(units) <= MONEY_MAX else f"{'-' if units < 0 else ''}{format_money(MONEY_MAX)} and more"


def whole(number: int) -> str:
    """A stranger's whole number in words."""
    return str(number) if abs(number) <= MONEY_MAX else f"{'-' if number < 0 else ''}{MONEY_MAX} and more"


def _symbol(symbol: str) -> str:
    return clip(symbol, 16)


def for_submission(command: Submit, reason: str, detail: str) -> Refused:
    """A refusal that names the client's order."""
    return Refused(reason, detail, clip(command.client_order_id, CLIENT_ORDER_ID_LENGTH_MAX))


def busy() -> Refused:
    """More requests wait than the ledger keeps."""
    return Refused(BUSY, "too many requests are waiting; nothing was looked at, send it again in a moment")


def malformed(problem: str) -> Refused:
    """Not a request at all."""
    return Refused(MALFORMED, clip(problem, TEXT_LENGTH_MAX))


def too_many_commands(count: int) -> Refused:
    """A list longer than COMMANDS_PER_REQUEST_MAX."""
    return Refused(TOO_MANY_COMMANDS, f"{count} commands in one request; at most {COMMANDS_PER_REQUEST_MAX} are taken")


def too_large(size: int, size_max: int, is_list: bool) -> Refused:
    """A request of more bytes than COMMANDS_PER_REQUEST_MAX commands can have."""
    reason = TOO_MANY_COMMANDS if is_list else MALFORMED
    return Refused(
        reason, f"the request has {size} bytes; at most {COMMANDS_PER_REQUEST_MAX} commands and {size_max} bytes are taken"
    )


def unknown_account(account: str) -> Refused:
    """Nobody opened it."""
    return Refused(UNKNOWN_ACCOUNT, f"there is no account {clip(account, 32)}")


def rate(commands_per_second: int, client_order_id: str) -> Refused:
    """The account's commands come faster than the market's limits allow."""
    return Refused(
        RATE,
        f"more than {commands_per_second} commands a second; wait a moment",
        clip(client_order_id, CLIENT_ORDER_ID_LENGTH_MAX),
    )


def client_order_id(command: Submit) -> Refused:
    """Empty, too long, or not printable."""
    return for_submission(
        command,
        CLIENT_ORDER_ID,
        f"client_order_id needs 1 to {CLIENT_ORDER_ID_LENGTH_MAX} printable characters, different for every order",
    )


def unknown_symbol(symbol: str, command: Submit | None = None) -> Refused:
    """Not traded here."""
    detail = f"there is no symbol {_symbol(symbol)}"
    return for_submission(command, UNKNOWN_SYMBOL, detail) if command else Refused(UNKNOWN_SYMBOL, detail)


def quantity(command: Submit, definition: DefineSymbol) -> Refused:
    """Which of the three it is that is wrong."""
    if command.quantity <= 0:
        return quantity_not_positive(command)
    if command.quantity % definition.lot:
        return quantity_off_lot(command, definition.lot)
    return quantity_too_large(command, definition.order_quantity_max)


def quantity_not_positive(command: Submit) -> Refused:
    """Nothing, or less."""
    return for_submission(command, QUANTITY_NOT_POSITIVE, f"the quantity must be positive, it is {whole(command.quantity)}")


def quantity_off_lot(command: Submit, lot: int) -> Refused:
    """Not a multiple of the symbol's lot."""
    return for_submission(
        command, QUANTITY_OFF_LOT, f"{command.symbol} trades in lots of {lot}; {whole(command.quantity)} is not a multiple"
    )


def quantity_too_large(command: Submit, quantity_max: int) -> Refused:
    """More than one order may have."""
    return for_submission(
        command, QUANTITY_TOO_LARGE, f"one order may have at most {quantity_max} shares, this has {whole(command.quantity)}"
    )


def price_missing(command: Submit) -> Refused:
    """A limit order without a limit."""
    return for_submission(command, PRICE_MISSING, f"a {command.kind} order needs a price")


def price(command: Submit, price: int, tick: int) -> Refused:
    """Which of the three it is that is wrong."""
    if price <= 0:
        return price_not_positive(command, price)
    if price % tick:
        return price_off_tick(command, price, tick)
    return price_too_large(command, price)


def price_not_positive(command: Submit, price: int) -> Refused:
    """Nothing, or less."""
    return for_submission(command, PRICE_NOT_POSITIVE, f"the price must be positive, it is {money(price)}")


def price_off_tick(command: Submit, price: int, tick: int) -> Refused:
    """Not a multiple of the symbol's tick."""
    return for_submission(
        command,
        PRICE_OFF_TICK,
        f"prices of {command.symbol} are multiples of {format_money(tick)}; {money(price)} is not",
    )


def price_too_large(command: Submit, price: int) -> Refused:
    """More than any amount of money."""
    return for_submission(command, PRICE_TOO_LARGE, f"the largest price is {format_money(MONEY_MAX)}, this is {money(price)}")


def value_too_large(command: Submit, price: int) -> Refused:
    """Price times quantity, with the worst fee, is more than any amount of money."""
    return for_submission(
        command,
        VALUE_TOO_LARGE,
        f"{command.quantity} {command.symbol} at {format_money(price)} come to more than the largest amount, "
        f"{format_money(MONEY_MAX)}",
    )


def too_many_open_orders(command: Submit, open_orders_max: int) -> Refused:
    """The account has as many as it may."""
    return for_submission(
        command, TOO_MANY_OPEN_ORDERS, f"an account may have {open_orders_max} open orders; cancel some first"
    )


def insufficient_funds(command: Submit, price: int, needed: int, available: int) -> Refused:
    """Not enough cash for the worst price and the worst fee."""
    fees = needed - price * command.quantity
    return for_submission(
        command,
        INSUFFICIENT_FUNDS,
        f"buying {command.quantity} {command.symbol} at {format_money(price)} needs {format_money(needed)}"
        f"{f' (fees of at most {format_money(fees)} included)' if fees else ''}, {format_money(available)} is available",
    )


def insufficient_shares(command: Submit, available: int) -> Refused:
    """Not enough shares; nobody sells what they do not have."""
    return for_submission(
        command,
        INSUFFICIENT_SHARES,
        f"selling {command.quantity} {command.symbol} needs as many shares, {available} can be sold",
    )


def more_funds(command: Submit, needed: int, available: int) -> Refused:
    """Not enough cash for what a replace adds to an order's hold."""
    return for_submission(
        command,
        INSUFFICIENT_FUNDS,
        f"the change needs {format_money(needed)} more, fees included, {format_money(available)} is available",
    )


def more_shares(command: Submit, needed: int, available: int) -> Refused:
    """Not enough shares for what a replace adds to an order."""
    return for_submission(
        command, INSUFFICIENT_SHARES, f"the change needs {needed} {command.symbol} more, {available} can be sold"
    )


def replace_pending(command: Submit) -> Refused:
    """One at a time."""
    return for_submission(command, REPLACE_PENDING, "an earlier replace of the order is not answered yet; wait for its report")


def nothing_to_change(command: Submit) -> Refused:
    """The order is what the replace wants already."""
    return for_submission(command, NOTHING_TO_CHANGE, "the order has this quantity, price and stop_price already")


def unknown_order(command: Cancel | Replace) -> Refused:
    """Not an open order of this account: it ended, or it never was."""
    order = whole(command.order_id) if command.order_id else clip(command.client_order_id, CLIENT_ORDER_ID_LENGTH_MAX)
    return Refused(UNKNOWN_ORDER, f"there is no open order {order}")


def account_name(problem: str) -> Refused:
    """Not a name an account can have."""
    return Refused(ACCOUNT_NAME, clip(problem, TEXT_LENGTH_MAX))


def too_many_accounts(accounts_max: int) -> Refused:
    """The market is full."""
    return Refused(TOO_MANY_ACCOUNTS, f"there are {accounts_max} accounts, and no more are opened")


def amount_not_positive(asset: str, amount: int) -> Refused:
    """An endowment below zero, or a deposit of nothing."""
    return Refused(AMOUNT_NOT_POSITIVE, f"{whole(amount)} is not an amount of {_symbol(asset)} to be booked")


def amount_too_large(asset: str, is_cash: bool) -> Refused:
    """There would be more of the asset than can be counted."""
    most = format_money(MONEY_MAX) if is_cash else str(QUANTITY_MAX)
    return Refused(AMOUNT_TOO_LARGE, f"no more than {most} {_symbol(asset)} can be in circulation")


def withdrawal_too_large(account: str, asset: str, is_cash: bool, amount: int, available: int) -> Refused:
    """More than the account could spend or sell."""
    words = (money(amount), format_money(available)) if is_cash else (whole(amount), str(available))
    return Refused(
        INSUFFICIENT_FUNDS if is_cash else INSUFFICIENT_SHARES,
        f"withdrawing {words[0]} {_symbol(asset)} from {account}: {words[1]} is available",
    )
