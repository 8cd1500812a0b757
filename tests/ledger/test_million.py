"""The short form of `make million`."""

from __future__ import annotations

import pytest

from tests.ledger.million import build, measure, replay


def test_sixty_thousand_orders() -> None:
    found = measure(60_000)
    assert (found["checkpoints_equal"], found["orders"], found["trades"]) == (1, 60_000, 30_000)


def test_a_checkpoint_that_differs_is_noticed() -> None:
    log, _, _ = build(5_000)
    with pytest.raises(AssertionError, match="the digest at journal batch 3 differs"):
        replay(log, {3: "0" * 32})
