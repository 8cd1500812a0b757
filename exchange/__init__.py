"""What every process of the exchange shares: messages, subjects, money, the market file and the bus.

Start with `messages` (what travels), `stage` (the loop that recovers, follows and leads) and `subjects` (where it travels).
"""

if not __debug__:
    raise SystemExit("exchange: python -O removes the assertions that protect the books; run without -O")
