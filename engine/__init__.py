"""The matching engine: order books on sortedcontainers, matching as pure functions, and the stage that feeds them.

Start with `book` (what is open), then `arriving` (what an order does to it) and `matching` (all commands); each order type has
its file; `stage` turns journal batches into event batches.
"""
