"""Bots: ordinary accounts that trade by a strategy. Same requests, same limits, no back door.

Start with `strategy` (what a strategy sees and says), then `market_maker` and `noise`; `bot` and `worker` are the edge.
"""
