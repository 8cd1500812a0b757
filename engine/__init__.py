"""The matching engine: order books on sortedcontainers, matching as pure functions, and the stage that feeds them.

Start with `book` (what rests), then `matching` (what a command does to it); `stage` turns journal batches into event batches.
"""
