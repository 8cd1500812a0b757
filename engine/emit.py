"""Where matching tells what happened."""

from collections.abc import Callable

from exchange.messages import Event

Emit = Callable[[Event], None]
