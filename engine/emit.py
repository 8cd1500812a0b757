"""Where matching tells what happened."""

from collections.abc import Callable

from exchange.messages.events import Event

Emit = Callable[[Event], None]
