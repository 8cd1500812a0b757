"""Order types as stories, in continuous trading; `story` tells how to read them."""

import pytest

from tests.engine.story import play

STOPS = {
    "a stop waits for a trade, not for a quote": """
        sell 5 @ 105                    -> rest 5 @ 105
        buy 2 @ 106 stop=104            ->
        buy 1 @ 104                     -> rest 1 @ 104
        sell 1 @ 104                    -> trade 1 @ 104 with #3, #2 trigger 104, #2 trade 2 @ 105 with #1
    """,
    "a sell stop triggers at or below its price, and within its protection": """
        buy 1 @ 100                     -> rest 1 @ 100
        buy 1 @ 98                      -> rest 1 @ 98
        buy 9 @ 90                      -> rest 9 @ 90
        sell 3 @ 95 stop=99             ->
        sell 1 @ 100                    -> trade 1 @ 100 with #1
        sell 1 @ 98                     -> trade 1 @ 98 with #2, #4 trigger 99, #4 cancel 3 protection
    """,
    "a stop that meets nobody": """
        sell 1 @ 100                    -> rest 1 @ 100
        buy 3 @ 105 stop=100            ->
        buy 1 @ 100                     -> trade 1 @ 100 with #1, #2 trigger 100, #2 cancel 3 no_liquidity
    """,
    "a stop that is true when it arrives triggers at once": """
        sell 3 @ 100                    -> rest 3 @ 100
        buy 1 @ 100                     -> trade 1 @ 100 with #1
        buy 1 @ 105 stop=101            ->
        buy 1 @ 105 stop=100            -> trigger 100, trade 1 @ 100 with #1
        buy 1 @ 105 stop=99             -> trigger 99, trade 1 @ 100 with #1
        sell 1 @ 95 stop=100            -> trigger 100, cancel 1 no_liquidity
    """,
    "a stop limit rests at its limit": """
        buy 1 @ 100                     -> rest 1 @ 100
        sell 2 @ 103 stop_limit=101     ->
        sell 3 @ 99 stop_limit=100      ->
        buy 2 @ 99                      -> rest 2 @ 99
        sell 1 @ 100                    -> trade 1 @ 100 with #1, #2 trigger 101, #2 rest 2 @ 103, #3 trigger 100,
                                           #3 trade 2 @ 99 with #4, #3 rest 1 @ 99
        cancel #2                       -> #2 cancel 2 owner
    """,
    "a stop limit keeps its time in force": """
        buy 1 @ 100                     -> rest 1 @ 100
        sell 2 @ 100 stop_limit=100 ioc ->
        sell 2 @ 100 stop_limit=100 fok ->
        sell 1 @ 101                    -> rest 1 @ 101
        sell 1 @ 100                    -> trade 1 @ 100 with #1, #2 trigger 100, #2 cancel 2 ioc, #3 trigger 100,
                                           #3 cancel 2 fok
    """,
    "buys and sells trigger in order of their ids, after the whole command": """
        sell 1 @ 100                    -> rest 1 @ 100
        sell 1 @ 101                    -> rest 1 @ 101
        sell 1 @ 110                    -> rest 1 @ 110
        buy 1 @ 90                      -> rest 1 @ 90
        sell 1 @ 80 stop=100            ->
        buy 1 @ 120 stop=101            ->
        buy 1 @ 120 stop=100            ->
        buy 2 @ 101                     -> trade 1 @ 100 with #1, trade 1 @ 101 with #2, #5 trigger 100,
                                           #5 trade 1 @ 90 with #4, #6 trigger 101, #6 trade 1 @ 110 with #3,
                                           #7 trigger 100, #7 cancel 1 no_liquidity
    """,
    "a cascade goes in rounds: what a round's trades reach comes after the round": """
        buy 1 @ 100                     -> rest 1 @ 100
        buy 1 @ 99                      -> rest 1 @ 99
        buy 1 @ 98                      -> rest 1 @ 98
        buy 1 @ 97                      -> rest 1 @ 97
        sell 1 @ 90 stop=98             ->
        sell 1 @ 90 stop=99             ->
        sell 1 @ 90 stop=100            ->
        sell 1 @ 100                    -> trade 1 @ 100 with #1, #7 trigger 100, #7 trade 1 @ 99 with #2,
                                           #6 trigger 99, #6 trade 1 @ 98 with #3, #5 trigger 98,
                                           #5 trade 1 @ 97 with #4
    """,
    "a later round may hold a smaller id": """
        buy 1 @ 100                     -> rest 1 @ 100
        buy 1 @ 95                      -> rest 1 @ 95
        buy 1 @ 94                      -> rest 1 @ 94
        buy 1 @ 93                      -> rest 1 @ 93
        sell 1 @ 90 stop=97             ->
        sell 1 @ 90 stop=100            ->
        sell 1 @ 90 stop=100            ->
        sell 1 @ 100                    -> trade 1 @ 100 with #1, #6 trigger 100, #6 trade 1 @ 95 with #2,
                                           #7 trigger 100, #7 trade 1 @ 94 with #3, #5 trigger 97,
                                           #5 trade 1 @ 93 with #4
    """,
    "cancelling a stop": """
        buy 3 @ 120 stop=110            ->
        cancel #1                       -> #1 cancel 3 owner
        cancel #1                       -> #1 too late
        sell 1 @ 110                    -> rest 1 @ 110
        buy 1 @ 110                     -> trade 1 @ 110 with #4
    """,
    "a stop that expires": """
        buy 3 @ 120 stop=110 until=50   ->
        time 49                         ->
        time 50                         -> #1 cancel 3 expired
        cancel #1                       -> #1 too late
    """,
    "a stop limit that triggered expires where it rests": """
        sell 1 @ 100                    -> rest 1 @ 100
        buy 3 @ 99 stop_limit=100 until=50 ->
        buy 1 @ 100                     -> trade 1 @ 100 with #1, #2 trigger 100, #2 rest 3 @ 99
        time 50                         -> #2 cancel 3 expired
    """,
}
TRAILING = {
    "a sell's stop follows up and stays": """
        sell 1 @ 90 stop=95 trail=5 trailing ->
        sell 9 @ 100                    -> rest 9 @ 100
        sell 9 @ 103                    -> rest 9 @ 103
        buy 9 @ 100                     -> trade 9 @ 100 with #2
        buy 1 @ 103                     -> trade 1 @ 103 with #3
        buy 1 @ 99                      -> rest 1 @ 99
        sell 1 @ 99                     -> trade 1 @ 99 with #6
        buy 3 @ 98                      -> rest 3 @ 98
        sell 1 @ 98                     -> trade 1 @ 98 with #8, #1 trigger 98, #1 trade 1 @ 98 with #8
    """,
    "a buy's stop follows down": """
        buy 1 @ 115 stop=110 trail=5 trailing ->
        buy 2 @ 100                     -> rest 2 @ 100
        sell 2 @ 100                    -> trade 2 @ 100 with #2
        sell 2 @ 105                    -> rest 2 @ 105
        buy 1 @ 105                     -> trade 1 @ 105 with #4, #1 trigger 105, #1 trade 1 @ 105 with #4
    """,
    "its protection keeps its distance": """
        sell 2 @ 93 stop=95 trail=5 trailing ->
        sell 1 @ 110                    -> rest 1 @ 110
        buy 1 @ 110                     -> trade 1 @ 110 with #2
        buy 1 @ 105                     -> rest 1 @ 105
        buy 1 @ 103                     -> rest 1 @ 103
        buy 1 @ 102                     -> rest 1 @ 102
        sell 1 @ 105                    -> trade 1 @ 105 with #4, #1 trigger 105, #1 trade 1 @ 103 with #5,
                                           #1 cancel 1 protection
    """,
    "one sweep moves it up and then reaches it": """
        sell 1 @ 80 stop=90 trail=5 trailing ->
        buy 1 @ 100                     -> rest 1 @ 100
        buy 1 @ 97                      -> rest 1 @ 97
        buy 1 @ 95                      -> rest 1 @ 95
        buy 1 @ 92                      -> rest 1 @ 92
        sell 3 @ 95                     -> trade 1 @ 100 with #2, trade 1 @ 97 with #3, trade 1 @ 95 with #4,
                                           #1 trigger 95, #1 trade 1 @ 92 with #5
    """,
    "what is reached first does not move any more": """
        sell 1 @ 80 stop=95 trail=3 trailing ->
        buy 1 @ 90                      -> rest 1 @ 90
        sell 1 @ 95                     -> rest 1 @ 95
        sell 1 @ 110                    -> rest 1 @ 110
        buy 2 @ 110                     -> trade 1 @ 95 with #3, trade 1 @ 110 with #4, #1 trigger 95,
                                           #1 trade 1 @ 90 with #2
    """,
    "basis points round away from the market": """
        symbol tick=5                   ->
        sell 1 @ 500 stop=500 bps=150 trailing ->
        buy 1 @ 1500 stop=1500 bps=150 trailing ->
        sell 1 @ 1005                   -> rest 1 @ 1005
        buy 1 @ 1005                    -> trade 1 @ 1005 with #4
        sell 1 @ 985                    -> rest 1 @ 985
        sell 1 @ 1025                   -> rest 1 @ 1025
        buy 1 @ 990                     -> trade 1 @ 985 with #6, #2 trigger 985, #2 cancel 1 no_liquidity
        buy 1 @ 1025                    -> trade 1 @ 1025 with #7, #3 trigger 1000, #3 cancel 1 no_liquidity
    """,
    "a fraction of a unit is a whole one": """
        sell 1 @ 50 stop=50 bps=1 trailing ->
        sell 1 @ 100                    -> rest 1 @ 100
        buy 1 @ 100                     -> trade 1 @ 100 with #2
        sell 1 @ 99                     -> rest 1 @ 99
        buy 1 @ 99                      -> trade 1 @ 99 with #4, #1 trigger 99, #1 cancel 1 no_liquidity
    """,
    "replaced with less it stays where it moved to, with other prices it goes there": """
        sell 5 @ 90 stop=95 trail=5 trailing ->
        sell 1 @ 110                    -> rest 1 @ 110
        buy 1 @ 110                     -> trade 1 @ 110 with #2
        replace #1 to 3 of 5 @ 90 stop=95 -> #1 replaced 3 @ 90 stop 95 kept
        replace #1 to 8 of 3 @ 90 stop=95 -> #1 replaced 8 @ 90 stop 95
        replace #1 to 8 of 8 @ 99 stop=104 -> #1 replaced 8 @ 99 stop 104
        buy 1 @ 105                     -> rest 1 @ 105
        sell 1 @ 105                    -> trade 1 @ 105 with #7
        replace #1 to 8 of 8 @ 99 stop=105 -> #1 replaced 8 @ 99 stop 105, #1 trigger 105, #1 cancel 8 no_liquidity
    """,
}
FILL_OR_KILL = {
    "all or nothing, across levels": """
        sell 2 @ 100                    -> rest 2 @ 100
        sell 2 @ 101                    -> rest 2 @ 101
        sell 2 @ 102                    -> rest 2 @ 102
        buy 5 @ 101 fok                 -> cancel 5 fok
        buy 7 @ 102 fok                 -> cancel 7 fok
        buy 5 @ 102 fok                 -> trade 2 @ 100 with #1, trade 2 @ 101 with #2, trade 1 @ 102 with #3
        buy 1 @ 101 fok                 -> cancel 1 fok
        buy 1 @ 102 fok                 -> trade 1 @ 102 with #3
        buy 1 @ 102 fok                 -> cancel 1 fok
    """,
    "hidden quantity counts": """
        sell 5 @ 100 display=1          -> rest 1 @ 100
        buy 6 @ 100 fok                 -> cancel 6 fok
        buy 3 @ 100 fok                 -> trade 1 @ 100 with #1, #1 shows 1, trade 1 @ 100 with #1, #1 shows 1,
                                           trade 1 @ 100 with #1, #1 shows 1
    """,
    "own orders do not count, and stay when it is killed": """
        sell 2 @ 100 by bob             -> rest 2 @ 100
        sell 2 @ 101                    -> rest 2 @ 101
        sell 2 @ 102 by bob             -> rest 2 @ 102
        buy 5 @ 102 fok cancel_oldest   -> cancel 5 fok
        buy 3 @ 102 fok cancel_newest   -> cancel 3 fok
        buy 3 @ 102 fok cancel_both     -> cancel 3 fok
        buy 3 @ 102 fok decrement       -> cancel 3 fok
        buy 2 @ 102 fok cancel_newest   -> trade 2 @ 100 with #1
        buy 2 @ 102 fok cancel_oldest   -> #2 cancel 2 self_trade, trade 2 @ 102 with #3
    """,
    "own orders count where they may trade": """
        sell 2 @ 100                    -> rest 2 @ 100
        buy 2 @ 100 fok                 -> trade 2 @ 100 with #1
    """,
    "an iceberg's hidden rest stands behind one's own order": """
        sell 4 @ 100 display=2 by bob   -> rest 2 @ 100
        sell 1 @ 100                    -> rest 1 @ 100
        buy 3 @ 100 fok cancel_newest   -> cancel 3 fok
        buy 2 @ 100 fok cancel_newest   -> trade 2 @ 100 with #1, #1 shows 2
        buy 2 @ 100 fok cancel_oldest   -> #2 cancel 1 self_trade, trade 2 @ 100 with #1
    """,
}
POST_ONLY_AND_EXPIRY = {
    "post only never takes": """
        sell 2 @ 100                    -> rest 2 @ 100
        buy 2 @ 100 post_only           -> cancel 2 post_only
        buy 2 @ 99 post_only            -> rest 2 @ 99
        sell 1 @ 99                     -> trade 1 @ 99 with #3
        replace #3 to 1 of 1 @ 100      -> #3 replaced 1 @ 100, #3 cancel 1 post_only
    """,
    "post only minds own orders, too": """
        sell 2 @ 100                    -> rest 2 @ 100
        buy 2 @ 100 post_only cancel_oldest -> cancel 2 post_only
    """,
    "orders expire by time, then by id": """
        buy 1 @ 90 until=20             -> rest 1 @ 90
        buy 2 @ 91 until=10             -> rest 2 @ 91
        sell 3 @ 99 stop=80 until=20    ->
        buy 4 @ 89 until=21             -> rest 4 @ 89
        buy 5 @ 88                      -> rest 5 @ 88
        time 9                          ->
        time 20                         -> #2 cancel 2 expired, #1 cancel 1 expired, #3 cancel 3 expired
        sell 9 @ 88                     -> trade 4 @ 89 with #4, trade 5 @ 88 with #5
        time 99                         ->
    """,
    "what has ended does not expire, what was replaced still does": """
        buy 1 @ 90 until=20             -> rest 1 @ 90
        buy 1 @ 91 until=20             -> rest 1 @ 91
        buy 1 @ 92 until=20             -> rest 1 @ 92
        cancel #1                       -> #1 cancel 1 owner
        sell 1 @ 92                     -> trade 1 @ 92 with #3
        replace #2 to 4 of 1 @ 89       -> #2 replaced 4 @ 89, #2 rest 4 @ 89
        time 20                         -> #2 cancel 4 expired
    """,
    "the time to live of a refreshed iceberg": """
        sell 3 @ 100 display=1 until=9  -> rest 1 @ 100
        buy 1 @ 100                     -> trade 1 @ 100 with #1, #1 shows 1
        time 9                          -> #1 cancel 2 expired
    """,
}
ICEBERG = {
    "each refresh goes to the back": """
        sell 5 @ 100 display=2          -> rest 2 @ 100
        sell 1 @ 100                    -> rest 1 @ 100
        sell 3 @ 100 display=2          -> rest 2 @ 100
        buy 1 @ 100                     -> trade 1 @ 100 with #1
        buy 3 @ 100                     -> trade 1 @ 100 with #1, #1 shows 2, trade 1 @ 100 with #2,
                                           trade 1 @ 100 with #3
        buy 9 @ 100                     -> trade 1 @ 100 with #3, #3 shows 1, trade 2 @ 100 with #1, #1 shows 1,
                                           trade 1 @ 100 with #3, trade 1 @ 100 with #1, rest 4 @ 100
    """,
    "a level is exhausted before the next": """
        sell 2 @ 101                    -> rest 2 @ 101
        sell 4 @ 100 display=3          -> rest 3 @ 100
        buy 5 @ 101                     -> trade 3 @ 100 with #2, #2 shows 1, trade 1 @ 100 with #2,
                                           trade 1 @ 101 with #1
    """,
    "what trades at once is not hidden": """
        sell 4 @ 100                    -> rest 4 @ 100
        buy 9 @ 100 display=2           -> trade 4 @ 100 with #1, rest 2 @ 100
        cancel #2                       -> #2 cancel 5 owner
    """,
    "less than its display": """
        sell 2 @ 100 display=5          -> rest 2 @ 100
        replace #1 to 9 of 2 @ 100      -> #1 replaced 9 @ 100, #1 rest 5 @ 100
        replace #1 to 6 of 9 @ 100      -> #1 replaced 6 @ 100 kept
        replace #1 to 3 of 6 @ 100      -> #1 replaced 3 @ 100 kept
        buy 4 @ 100                     -> trade 3 @ 100 with #1, rest 1 @ 100
    """,
}
SELF_TRADE = {
    "cancel newest": """
        sell 1 @ 100 by bob             -> rest 1 @ 100
        sell 2 @ 100                    -> rest 2 @ 100
        buy 5 @ 101 cancel_newest       -> trade 1 @ 100 with #1, cancel 4 self_trade
        buy 2 @ 100 by bob cancel_newest -> trade 2 @ 100 with #2
    """,
    "cancel oldest": """
        sell 2 @ 100                    -> rest 2 @ 100
        sell 1 @ 100 by bob             -> rest 1 @ 100
        sell 2 @ 101                    -> rest 2 @ 101
        buy 5 @ 101 cancel_oldest       -> #1 cancel 2 self_trade, trade 1 @ 100 with #2, #3 cancel 2 self_trade,
                                           rest 4 @ 101
    """,
    "cancel both": """
        sell 2 @ 100                    -> rest 2 @ 100
        sell 1 @ 101 by bob             -> rest 1 @ 101
        buy 5 @ 101 cancel_both         -> #1 cancel 2 self_trade, cancel 5 self_trade
        buy 1 @ 101                     -> trade 1 @ 101 with #2
    """,
    "decrement the smaller": """
        sell 2 @ 100                    -> rest 2 @ 100
        sell 5 @ 100                    -> rest 5 @ 100
        sell 9 @ 100 by bob             -> rest 9 @ 100
        buy 4 @ 100 decrement           -> #1 less 2, less 2, #2 less 2, less 2
        buy 3 @ 100 decrement           -> #2 less 3, less 3
        buy 3 @ 100 decrement           -> trade 3 @ 100 with #3
    """,
    "the aggressor's mode decides": """
        sell 2 @ 100 cancel_newest      -> rest 2 @ 100
        buy 1 @ 100                     -> trade 1 @ 100 with #1
        buy 1 @ 100 cancel_oldest       -> #1 cancel 1 self_trade, rest 1 @ 100
    """,
    "a market order against oneself": """
        sell 2 @ 100                    -> rest 2 @ 100
        buy 1 @ 105 market cancel_newest -> cancel 1 self_trade
        buy 1 @ 105 market cancel_oldest -> #1 cancel 2 self_trade, cancel 1 protection
    """,
    "cancel newest spares an iceberg": """
        sell 5 @ 100 display=2          -> rest 2 @ 100
        buy 3 @ 100 cancel_newest       -> cancel 3 self_trade
        buy 3 @ 100 by bob              -> trade 2 @ 100 with #1, #1 shows 2, trade 1 @ 100 with #1
    """,
    "cancel oldest takes the whole iceberg": """
        sell 5 @ 100 display=2          -> rest 2 @ 100
        buy 3 @ 100 cancel_oldest       -> #1 cancel 5 self_trade, rest 3 @ 100
    """,
    "cancel both takes the whole iceberg": """
        sell 5 @ 100 display=2          -> rest 2 @ 100
        buy 3 @ 100 cancel_both         -> #1 cancel 5 self_trade, cancel 3 self_trade
    """,
    "decrement takes what an iceberg hides": """
        sell 9 @ 100 display=2          -> rest 2 @ 100
        sell 1 @ 100 by bob             -> rest 1 @ 100
        buy 1 @ 100 decrement           -> #1 less 1, less 1
        buy 4 @ 100 decrement           -> #1 less 4, less 4, #1 shows 2
        buy 4 @ 100 decrement           -> trade 1 @ 100 with #2, #1 less 3, less 3, #1 shows 1
        buy 4 @ 100 decrement           -> #1 less 1, less 1, rest 3 @ 100
    """,
    "a stop keeps its mode": """
        sell 1 @ 100 by bob             -> rest 1 @ 100
        sell 1 @ 101                    -> rest 1 @ 101
        buy 2 @ 105 stop=100 cancel_both ->
        buy 1 @ 100                     -> trade 1 @ 100 with #1, #3 trigger 100, #2 cancel 1 self_trade,
                                           #3 cancel 2 self_trade
    """,
    "a replaced order keeps its mode": """
        sell 1 @ 101                    -> rest 1 @ 101
        buy 2 @ 100 cancel_newest       -> rest 2 @ 100
        replace #2 to 2 of 2 @ 101      -> #2 replaced 2 @ 101, #2 cancel 2 self_trade
    """,
}
REPLACE = {
    "less at the same price keeps its place": """
        buy 5 @ 100                     -> rest 5 @ 100
        buy 5 @ 100                     -> rest 5 @ 100
        replace #1 to 3 of 5 @ 100      -> #1 replaced 3 @ 100 kept
        replace #1 to 3 of 3 @ 100      -> #1 replaced 3 @ 100 kept
        sell 4 @ 100                    -> trade 3 @ 100 with #1, trade 1 @ 100 with #2
    """,
    "more, or another price, loses it": """
        buy 5 @ 100                     -> rest 5 @ 100
        buy 5 @ 100                     -> rest 5 @ 100
        replace #1 to 6 of 5 @ 100      -> #1 replaced 6 @ 100, #1 rest 6 @ 100
        sell 6 @ 100                    -> trade 5 @ 100 with #2, trade 1 @ 100 with #1
        replace #1 to 2 of 5 @ 99       -> #1 replaced 2 @ 99, #1 rest 2 @ 99
    """,
    "a new price may trade at once": """
        buy 5 @ 100                     -> rest 5 @ 100
        sell 3 @ 102                    -> rest 3 @ 102
        replace #1 to 5 of 5 @ 103      -> #1 replaced 5 @ 103, #1 trade 3 @ 102 with #2, #1 rest 2 @ 103
        sell 2 @ 104                    -> rest 2 @ 104
        replace #1 to 2 of 2 @ 104      -> #1 replaced 2 @ 104, #1 trade 2 @ 104 with #4
        replace #1 to 2 of 2 @ 104      -> #1 not replaced
    """,
    "a race with fills": """
        buy 5 @ 100                     -> rest 5 @ 100
        sell 3 @ 100                    -> trade 3 @ 100 with #1
        replace #1 to 3 of 5 @ 100      -> #1 not replaced
        replace #1 to 4 of 5 @ 100      -> #1 replaced 1 @ 100 kept
        replace #1 to 4 of 2 @ 100      -> #1 replaced 3 @ 100, #1 rest 3 @ 100
        sell 9 @ 100                    -> trade 3 @ 100 with #1, rest 6 @ 100
        replace #1 to 9 of 3 @ 100      -> #1 not replaced
        cancel #1                       -> #1 too late
    """,
    "a race with a cancel": """
        buy 5 @ 100                     -> rest 5 @ 100
        cancel #1                       -> #1 cancel 5 owner
        replace #1 to 5 of 5 @ 99       -> #1 not replaced
    """,
    "an iceberg keeps its place and what it shows": """
        sell 9 @ 100 display=3          -> rest 3 @ 100
        sell 1 @ 100                    -> rest 1 @ 100
        replace #1 to 4 of 9 @ 100      -> #1 replaced 4 @ 100 kept
        buy 4 @ 100                     -> trade 3 @ 100 with #1, #1 shows 1, trade 1 @ 100 with #2
    """,
    "a waiting stop": """
        sell 1 @ 100                    -> rest 1 @ 100
        buy 1 @ 100                     -> trade 1 @ 100 with #1
        buy 5 @ 120 stop=110            ->
        replace #3 to 2 of 5 @ 120 stop=110 -> #3 replaced 2 @ 120 stop 110 kept
        replace #3 to 4 of 2 @ 115 stop=105 -> #3 replaced 4 @ 115 stop 105
        sell 1 @ 112                    -> rest 1 @ 112
        replace #3 to 4 of 4 @ 115 stop=100 -> #3 replaced 4 @ 115 stop 100, #3 trigger 100,
                                               #3 trade 1 @ 112 with #6, #3 cancel 3 protection
        replace #3 to 4 of 4 @ 115 stop=99 -> #3 not replaced
    """,
    "a stop limit that has triggered is a limit order": """
        sell 1 @ 100                    -> rest 1 @ 100
        buy 5 @ 99 stop_limit=100       ->
        buy 1 @ 100                     -> trade 1 @ 100 with #1, #2 trigger 100, #2 rest 5 @ 99
        replace #2 to 5 of 5 @ 98 stop=105 -> #2 replaced 5 @ 98, #2 rest 5 @ 98
        replace #2 to 3 of 5 @ 98 stop=105 -> #2 replaced 3 @ 98 kept
    """,
    "a replaced order triggers stops": """
        sell 1 @ 100                    -> rest 1 @ 100
        buy 1 @ 99                      -> rest 1 @ 99
        buy 1 @ 110 stop=100            ->
        replace #2 to 1 of 1 @ 100      -> #2 replaced 1 @ 100, #2 trade 1 @ 100 with #1, #3 trigger 100,
                                           #3 cancel 1 no_liquidity
    """,
}
SCENARIOS = STOPS | TRAILING | FILL_OR_KILL | POST_ONLY_AND_EXPIRY | ICEBERG | SELF_TRADE | REPLACE


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    play(SCENARIOS[name])
