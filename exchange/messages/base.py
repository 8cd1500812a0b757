"""What all messages share: their base, the words that several of them use, and how they become bytes.

Messages are JSON objects with a `type`; defaults are omitted, so `nats sub 'market.>'` stays readable. New fields go last, with
a default, so that yesterday's logs still decode. Prices and money are integers in 1/10 000 of the currency, quantities
are whole shares, times are nanoseconds since 1970 (UTC) as stamped by the ledger's leader.

The modules follow the way of an order: requests → journal → events → reports and market_data.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeVar

import msgspec

Side = Literal["buy", "sell"]
Kind = Literal["limit", "market", "stop", "stop_limit", "trailing_stop"]
TimeInForce = Literal["gtc", "day", "gtd", "ioc", "fok", "opg", "cls"]
SelfTrade = Literal["allow", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"]
"""What happens when an order would trade with another of the same account."""
Liquidity = Literal["maker", "taker", "auction"]
Phase = Literal["pre_open", "opening_auction", "continuous", "volatility_auction", "halted", "closing_auction", "closed"]
"""Of a symbol's day. Orders meet as they arrive in `continuous` only; see engine/phases.py."""

CASH: Final = "CASH"
BANK: Final = "$bank"  # Where deposited cash comes from; its balance is minus all cash in circulation.
ISSUER: Final = "$issuer"  # Where shares come from; its balance is minus all shares in circulation.
FEES: Final = "$fees"

COMMANDS_PER_REQUEST_MAX: Final = 100
CLIENT_ORDER_ID_LENGTH_MAX: Final = 36
ACCOUNT_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,31}$"
SYMBOL_PATTERN: Final = r"^[A-Z][A-Z0-9]{0,11}$"


class Message(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", tag=str.lower):
    """Base of every message; the `type` on the wire is the class name in lower case."""


encode = msgspec.json.Encoder().encode
"""Any message to its bytes on the wire."""

MessageType = TypeVar("MessageType")


def decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    """A reusable decoder for a message type; its `decode` raises msgspec.ValidationError or msgspec.DecodeError."""
    return msgspec.json.Decoder(type_)
