"""OCO pairs and brackets as stories; `story` tells how to read them."""

import pytest

from tests.engine.story import play

OCO = {
    "the limit rests, the stop waits; a trade of one takes it off the other": """
        oco sell 5 @ 110 or sell 5 @ 90 stop=95 -> rest 5 @ 110
        buy 2 @ 110                     -> trade 2 @ 110 with #1, #1s less 2
        buy 1 @ 110                     -> trade 1 @ 110 with #1, #1s less 1
        buy 9 @ 110                     -> trade 2 @ 110 with #1, #1s cancel 2 pair, rest 7 @ 110
        cancel #1s                      -> #1s too late
    """,
    "the stop triggers, and takes it off the limit": """
        oco sell 5 @ 110 or sell 5 @ 90 stop=95 -> rest 5 @ 110
        buy 1 @ 95                      -> rest 1 @ 95
        buy 2 @ 94                      -> rest 2 @ 94
        buy 9 @ 93                      -> rest 9 @ 93
        sell 1 @ 95                     -> trade 1 @ 95 with #2, #1s trigger 95, #1s trade 2 @ 94 with #3, #1 less 2,
                                           #1s trade 3 @ 93 with #4, #1 cancel 3 pair
    """,
    "what protection leaves of the stop ends the limit": """
        oco sell 5 @ 110 or sell 5 @ 94 stop=95 -> rest 5 @ 110
        buy 1 @ 95                      -> rest 1 @ 95
        buy 2 @ 94                      -> rest 2 @ 94
        sell 1 @ 95                     -> trade 1 @ 95 with #2, #1s trigger 95, #1s trade 2 @ 94 with #3, #1 less 2,
                                           #1s cancel 3 protection, #1 cancel 3 pair
    """,
    "a stop limit that has triggered rests beside its partner": """
        oco sell 5 @ 110 or sell 5 @ 95 stop_limit=95 -> rest 5 @ 110
        buy 1 @ 95                      -> rest 1 @ 95
        sell 1 @ 95                     -> trade 1 @ 95 with #2, #1s trigger 95, #1s rest 5 @ 95
        buy 2 @ 95                      -> trade 2 @ 95 with #1s, #1 less 2
        replace #1s to 3 of 3 @ 96      -> #1s replaced 3 @ 96, #1s rest 3 @ 96
        buy 9 @ 110                     -> trade 3 @ 96 with #1s, #1 cancel 3 pair, rest 6 @ 110
    """,
    "both rest: fill or kill counts them once": """
        oco sell 5 @ 110 or sell 5 @ 95 stop_limit=95 -> rest 5 @ 110
        buy 1 @ 95                      -> rest 1 @ 95
        sell 1 @ 95                     -> trade 1 @ 95 with #2, #1s trigger 95, #1s rest 5 @ 95
        buy 6 @ 110 fok                 -> cancel 6 fok
        sell 1 @ 110                    -> rest 1 @ 110
        buy 7 @ 110 fok                 -> cancel 7 fok
        buy 6 @ 110 fok                 -> trade 5 @ 95 with #1s, #1 cancel 5 pair, trade 1 @ 110 with #5
    """,
    "the limit trades as it arrives; the stop then comes with the rest": """
        buy 2 @ 110                     -> rest 2 @ 110
        oco sell 5 @ 110 or sell 5 @ 90 stop=95 -> trade 2 @ 110 with #1, #2s less 2, rest 3 @ 110
        cancel #2s                      -> #2s cancel 3 owner, #2 cancel 3 pair
    """,
    "the limit is filled as it arrives": """
        buy 5 @ 110                     -> rest 5 @ 110
        oco sell 5 @ 110 or sell 5 @ 90 stop=95 -> trade 5 @ 110 with #1, #2s cancel 5 pair
        buy 1 @ 90                      -> rest 1 @ 90
        sell 1 @ 90                     -> trade 1 @ 90 with #3
    """,
    "the stop triggers as it arrives": """
        sell 1 @ 100                    -> rest 1 @ 100
        buy 1 @ 100                     -> trade 1 @ 100 with #1
        buy 2 @ 99                      -> rest 2 @ 99
        oco sell 5 @ 110 or sell 5 @ 98 stop=100 -> rest 5 @ 110, #4s trigger 100, #4s trade 2 @ 99 with #3, less 2,
                                                    #4s cancel 3 protection, cancel 3 pair
    """,
    "the limit's own trades trigger the stop": """
        buy 1 @ 100                     -> rest 1 @ 100
        buy 1 @ 99                      -> rest 1 @ 99
        oco sell 2 @ 100 or sell 2 @ 90 stop=100 -> trade 1 @ 100 with #1, #3s less 1, rest 1 @ 100, #3s trigger 100,
                                                    #3s trade 1 @ 99 with #2, cancel 1 pair
    """,
    "a pair that buys": """
        oco buy 5 @ 90 or buy 5 @ 110 stop=105 -> rest 5 @ 90
        sell 1 @ 90                     -> trade 1 @ 90 with #1, #1s less 1
        sell 1 @ 105                    -> rest 1 @ 105
        sell 9 @ 106                    -> rest 9 @ 106
        buy 1 @ 105                     -> trade 1 @ 105 with #3, #1s trigger 105, #1s trade 4 @ 106 with #4, #1 cancel 4 pair
    """,
    "cancelling either ends both": """
        oco sell 5 @ 110 or sell 5 @ 90 stop=95 -> rest 5 @ 110
        cancel #1                       -> #1 cancel 5 owner, #1s cancel 5 pair
        oco sell 5 @ 110 or sell 5 @ 90 stop=95 -> rest 5 @ 110
        cancel #3s                      -> #3s cancel 5 owner, #3 cancel 5 pair
        cancel #3                       -> #3 too late
    """,
    "they expire together": """
        oco sell 5 @ 110 until=50 or sell 5 @ 90 stop=95 until=50 -> rest 5 @ 110
        buy 1 @ 90 until=50             -> rest 1 @ 90
        time 50                         -> #1 cancel 5 expired, #1s cancel 5 pair, #2 cancel 1 expired
    """,
    "self-trade prevention cancels one": """
        oco sell 5 @ 110 or sell 5 @ 90 stop=95 -> rest 5 @ 110
        buy 2 @ 110 cancel_oldest       -> #1 cancel 5 self_trade, #1s cancel 5 pair, rest 2 @ 110
    """,
    "and both": """
        oco sell 5 @ 110 or sell 5 @ 90 stop=95 -> rest 5 @ 110
        oco buy 2 @ 110 cancel_both or buy 2 @ 120 stop=115 -> #1 cancel 5 self_trade, #1s cancel 5 pair,
                                           cancel 2 self_trade, #2s cancel 2 pair
    """,
    "decrement takes it off the partners, too": """
        oco sell 5 @ 110 or sell 5 @ 90 stop=95 -> rest 5 @ 110
        oco buy 2 @ 110 decrement or buy 2 @ 120 stop=115 -> #1 less 2, less 2, #1s less 2, #2s cancel 2 pair
        buy 5 @ 110 decrement           -> #1 less 3, less 3, #1s cancel 3 pair, rest 2 @ 110
    """,
    "decrement of an iceberg: the next part is shown before the partner follows": """
        oco sell 9 @ 110 display=2 or sell 9 @ 90 stop=95 -> rest 2 @ 110
        oco buy 4 @ 110 decrement or buy 4 @ 120 stop=115 -> #1 less 4, less 4, #1 shows 2, #1s less 4, #2s cancel 4 pair
    """,
    "post only": """
        buy 1 @ 110                     -> rest 1 @ 110
        oco sell 5 @ 110 post_only or sell 5 @ 90 stop=95 -> cancel 5 post_only, #2s cancel 5 pair
    """,
    "the limit is an iceberg": """
        oco sell 5 @ 110 display=2 or sell 5 @ 90 stop=95 -> rest 2 @ 110
        buy 2 @ 110                     -> trade 2 @ 110 with #1, #1 shows 2, #1s less 2
        buy 1 @ 95                      -> rest 1 @ 95
        buy 2 @ 94                      -> rest 2 @ 94
        sell 1 @ 95                     -> trade 1 @ 95 with #3, #1s trigger 95, #1s trade 2 @ 94 with #4, #1 less 2,
                                           #1 shows 1, #1s cancel 1 protection, #1 cancel 1 pair
    """,
    "a refreshed partner goes to the back": """
        oco sell 5 @ 110 display=1 or sell 5 @ 90 stop=95 -> rest 1 @ 110
        sell 1 @ 110                    -> rest 1 @ 110
        buy 1 @ 95                      -> rest 1 @ 95
        buy 1 @ 94                      -> rest 1 @ 94
        sell 1 @ 95                     -> trade 1 @ 95 with #3, #1s trigger 95, #1s trade 1 @ 94 with #4, #1 less 1,
                                           #1 shows 1, #1s cancel 4 protection, #1 cancel 4 pair
        buy 1 @ 110                     -> trade 1 @ 110 with #2
    """,
    "replacing prices": """
        oco sell 5 @ 110 or sell 5 @ 90 stop=95 -> rest 5 @ 110
        replace #1 to 5 of 5 @ 109      -> #1 replaced 5 @ 109, #1 rest 5 @ 109
        replace #1s to 5 of 5 @ 91 stop=96 -> #1s replaced 5 @ 91 stop 96
        buy 2 @ 109                     -> trade 2 @ 109 with #1, #1s less 2
        replace #1s to 5 of 5 @ 91 stop=95 -> #1s replaced 3 @ 91 stop 95
        replace #1 to 5 of 5 @ 109      -> #1 replaced 3 @ 109 kept
        buy 3 @ 108                     -> rest 3 @ 108
        replace #1 to 3 of 3 @ 108      -> #1 replaced 3 @ 108, #1 trade 3 @ 108 with #7, #1s cancel 3 pair
    """,
    "a replaced stop triggers at once": """
        oco sell 5 @ 110 or sell 5 @ 90 stop=95 -> rest 5 @ 110
        buy 2 @ 100                     -> rest 2 @ 100
        sell 1 @ 100                    -> trade 1 @ 100 with #2
        replace #1s to 5 of 5 @ 90 stop=100 -> #1s replaced 5 @ 90 stop 100, #1s trigger 100, #1s trade 1 @ 100 with #2,
                                           #1 less 1, #1s cancel 4 protection, #1 cancel 4 pair
    """,
    "a trailing stop": """
        oco sell 5 @ 120 or sell 5 @ 90 stop=95 trail=5 trailing -> rest 5 @ 120
        buy 3 @ 110                     -> rest 3 @ 110
        sell 1 @ 110                    -> trade 1 @ 110 with #2
        cancel #2                       -> #2 cancel 2 owner
        buy 7 @ 105                     -> rest 7 @ 105
        sell 1 @ 105                    -> trade 1 @ 105 with #5, #1s trigger 105, #1s trade 5 @ 105 with #5, #1 cancel 5 pair
    """,
    "due in the same round, but its partner has traded": """
        buy 1 @ 100                     -> rest 1 @ 100
        buy 9 @ 90                      -> rest 9 @ 90
        buy 3 @ 112 stop_limit=100      ->
        oco sell 5 @ 110 or sell 5 @ 90 stop=100 -> rest 5 @ 110
        sell 1 @ 100                    -> trade 1 @ 100 with #1, #3 trigger 100, #3 trade 3 @ 110 with #4, #4s less 3,
                                           #4s trigger 100, #4s trade 2 @ 90 with #2, #4 cancel 2 pair
    """,
    "due in the same round, but its partner has ended": """
        buy 1 @ 100                     -> rest 1 @ 100
        buy 9 @ 90                      -> rest 9 @ 90
        buy 5 @ 112 stop_limit=100      ->
        oco sell 5 @ 110 or sell 5 @ 90 stop=100 -> rest 5 @ 110
        sell 1 @ 100                    -> trade 1 @ 100 with #1, #3 trigger 100, #3 trade 5 @ 110 with #4, #4s cancel 5 pair
    """,
}
OCO_IN_PHASES = {
    "halted and closed": """
        phase halted                    -> halted
        oco sell 5 @ 110 or sell 5 @ 90 stop=95 -> cancel 5 halted, #2s cancel 5 pair
        phase closed                    -> closed
        oco sell 5 @ 110 or sell 5 @ 90 stop=95 -> cancel 5 closed, #4s cancel 5 pair
    """,
    "in an auction the limit rests and the stop waits": """
        buy 1 @ 95                      -> rest 1 @ 95
        sell 1 @ 95                     -> trade 1 @ 95 with #1
        phase pre_open                  -> pre_open
        buy 2 @ 100                     -> rest 2 @ 100
        oco sell 5 @ 99 or sell 5 @ 90 stop=95 -> rest 5 @ 99, indicates 2 @ 99 -3
        phase continuous                -> continuous, cross 2 @ 99 from #5 to #4, #5s less 2, reference 99
    """,
    "the uncross mirrors the seller first": """
        phase opening_auction           -> opening_auction
        oco sell 5 @ 99 or sell 5 @ 90 stop=95 -> rest 5 @ 99
        oco buy 3 @ 101 or buy 3 @ 110 stop=105 -> rest 3 @ 101, indicates 3 @ 100 -2
        phase continuous                -> continuous, cross 3 @ 100 from #2 to #3, #2s less 3, #3s cancel 3 pair
    """,
    "icebergs in the uncross: both show their next parts before the partners follow": """
        phase opening_auction           -> opening_auction
        oco sell 5 @ 100 display=2 or sell 5 @ 90 stop=95 -> rest 2 @ 100
        oco buy 5 @ 100 display=2 or buy 5 @ 110 stop=105 -> rest 2 @ 100, indicates 5 @ 100 +0
        phase continuous                -> continuous, cross 2 @ 100 from #2 to #3, #2 shows 2, #3 shows 2, #2s less 2,
                                           #3s less 2, cross 2 @ 100 from #2 to #3, #2 shows 1, #3 shows 1, #2s less 2,
                                           #3s less 2, cross 1 @ 100 from #2 to #3, #2s cancel 1 pair, #3s cancel 1 pair
    """,
    "a reached stop of a pair waits for the morning, smaller": """
        buy 9 @ 94                      -> rest 9 @ 94
        oco sell 5 @ 97 or sell 5 @ 90 stop=95 -> rest 5 @ 97
        phase closing_auction           -> closing_auction
        sell 1 @ 94                     -> rest 1 @ 94, indicates 1 @ 94 +8
        phase closed                    -> closed, cross 1 @ 94 from #4 to #1, reference 94
        phase opening_auction           -> opening_auction
        buy 2 @ 97                      -> rest 2 @ 97, indicates 2 @ 97 -3
        phase continuous                -> continuous, cross 2 @ 97 from #2 to #7, #2s less 2, reference 97, #2s trigger 95,
                                           #2s trade 3 @ 94 with #1, #2 cancel 3 pair
    """,
    "both rest in an auction and count once, at the better limit": """
        buy 1 @ 95                      -> rest 1 @ 95
        oco sell 5 @ 97 or sell 5 @ 96 stop_limit=95 -> rest 5 @ 97
        sell 1 @ 95                     -> trade 1 @ 95 with #1, #2s trigger 95, #2s rest 5 @ 96
        phase closing_auction           -> closing_auction
        buy 9 @ 97                      -> rest 9 @ 97, indicates 5 @ 96 +4
        buy 2 @ 96                      -> rest 2 @ 96, indicates 5 @ 97 +4
        phase closed                    -> closed, cross 5 @ 97 from #2s to #5, #2 cancel 5 pair, reference 97
    """,
    "without counting once the book would stay crossed": """
        sell 1 @ 105                    -> rest 1 @ 105
        oco buy 10 @ 99 or buy 10 @ 102 stop_limit=105 -> rest 10 @ 99
        buy 1 @ 105                     -> trade 1 @ 105 with #1, #2s trigger 105, #2s rest 10 @ 102
        phase closing_auction           -> closing_auction
        buy 5 @ 98                      -> rest 5 @ 98
        sell 20 @ 97                    -> rest 20 @ 97, indicates 15 @ 98 -5
        phase continuous                -> continuous, cross 10 @ 98 from #6 to #2s, #2 cancel 10 pair,
                                           cross 5 @ 98 from #6 to #5, reference 98
    """,
    "a band stops the limit": """
        symbol trade_band=500           ->
        buy 2 @ 96                      -> rest 2 @ 96
        buy 2 @ 90                      -> rest 2 @ 90
        oco sell 5 @ 90 or sell 5 @ 80 stop=96 -> trade 2 @ 96 with #2, #4s less 2, rest 3 @ 90, volatility_auction until 60s
                                           "a trade at 0.009 would have left the band 0.0095 to 0.0105", indicates 2 @ 90 -1
        time 60s                        -> continuous, cross 2 @ 90 from #4 to #3, #4s less 2, reference 90, #4s trigger 96,
                                           #4s cancel 1 no_liquidity, #4 cancel 1 pair
    """,
    "a band stops the stop": """
        symbol trade_band=500           ->
        buy 2 @ 96                      -> rest 2 @ 96
        buy 2 @ 90                      -> rest 2 @ 90
        oco sell 5 @ 110 or sell 5 @ 80 stop=96 -> rest 5 @ 110
        sell 1 @ 96                     -> trade 1 @ 96 with #2, #4s trigger 96, #4s trade 1 @ 96 with #2, #4 less 1,
                                           #4s cancel 4 volatility, #4 cancel 4 pair, volatility_auction until 60s
                                           "a trade at 0.009 would have left the band 0.0095 to 0.0105"
    """,
}
BRACKETS = {
    "filled at once": """
        sell 5 @ 100                    -> rest 5 @ 100
        bracket buy 5 @ 100; sell 5 @ 110; sell 5 @ 90 stop=95 -> trade 5 @ 100 with #1, #2t active 5, #2s active 5,
                                           #2t rest 5 @ 110
        buy 5 @ 110                     -> trade 5 @ 110 with #2t, #2s cancel 5 pair
    """,
    "filled in parts, from the book": """
        bracket buy 5 @ 100; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 100
        sell 2 @ 100                    -> trade 2 @ 100 with #1
        sell 9 @ 100                    -> trade 3 @ 100 with #1, rest 6 @ 100, #1t active 5, #1s active 5, #1t rest 5 @ 110
        cancel #1t                      -> #1t cancel 5 owner, #1s cancel 5 pair
    """,
    "cancelled with something traded": """
        bracket buy 5 @ 100; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 100
        sell 2 @ 100                    -> trade 2 @ 100 with #1
        cancel #1                       -> #1 cancel 3 owner, #1t active 2, #1s active 2, #1t rest 2 @ 110
        buy 2 @ 110                     -> trade 2 @ 110 with #1t, #1s cancel 2 pair
    """,
    "cancelled with nothing traded": """
        bracket buy 5 @ 100; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 100
        cancel #1                       -> #1 cancel 5 owner, #1t cancel 5 pair, #1s cancel 5 pair
        cancel #1t                      -> #1t too late
    """,
    "the entry expires": """
        bracket buy 5 @ 100 until=50; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 100
        bracket buy 5 @ 100 until=50; sell 5 @ 111; sell 5 @ 90 stop=95 -> rest 5 @ 100
        buy 1 @ 90 until=50             -> rest 1 @ 90
        sell 2 @ 100                    -> trade 2 @ 100 with #1
        time 50                         -> #1 cancel 3 expired, #2 cancel 5 expired, #2t cancel 5 pair, #2s cancel 5 pair,
                                           #3 cancel 1 expired, #1t active 2, #1s active 2, #1t rest 2 @ 110
    """,
    "the entry ends in every other way with nothing traded": """
        bracket buy 5 @ 100 ioc; sell 5 @ 110; sell 5 @ 90 stop=95 -> cancel 5 ioc, #1t cancel 5 pair, #1s cancel 5 pair
        bracket buy 5 @ 100 fok; sell 5 @ 110; sell 5 @ 90 stop=95 -> cancel 5 fok, #2t cancel 5 pair, #2s cancel 5 pair
        bracket buy 5 @ 100 opg; sell 5 @ 110; sell 5 @ 90 stop=95 -> cancel 5 auction_over, #3t cancel 5 pair,
                                                                      #3s cancel 5 pair
        sell 1 @ 100                    -> rest 1 @ 100
        bracket buy 5 @ 100 post_only; sell 5 @ 110; sell 5 @ 90 stop=95 -> cancel 5 post_only, #5t cancel 5 pair,
                                                                            #5s cancel 5 pair
        bracket buy 5 @ 100 cancel_newest; sell 5 @ 110; sell 5 @ 90 stop=95 -> cancel 5 self_trade, #6t cancel 5 pair,
                                                                                #6s cancel 5 pair
        phase halted                    -> halted
        bracket buy 5 @ 100; sell 5 @ 110; sell 5 @ 90 stop=95 -> cancel 5 halted, #8t cancel 5 pair, #8s cancel 5 pair
        phase closed                    -> closed
        bracket buy 5 @ 100; sell 5 @ 110; sell 5 @ 90 stop=95 -> cancel 5 closed, #10t cancel 5 pair, #10s cancel 5 pair
    """,
    "a market entry: what it got is what is sold again": """
        sell 2 @ 100                    -> rest 2 @ 100
        sell 2 @ 106                    -> rest 2 @ 106
        bracket buy 5 @ 105 market; sell 5 @ 110; sell 5 @ 90 stop=95 -> trade 2 @ 100 with #1, cancel 3 protection,
                                           #3t active 2, #3s active 2, #3t rest 2 @ 110
    """,
    "a stop entry": """
        sell 1 @ 105                    -> rest 1 @ 105
        sell 5 @ 106                    -> rest 5 @ 106
        bracket buy 5 @ 110 stop=105; sell 5 @ 120; sell 5 @ 90 stop=95 ->
        buy 1 @ 105                     -> trade 1 @ 105 with #1, #3 trigger 105, #3 trade 5 @ 106 with #2, #3t active 5,
                                           #3s active 5, #3t rest 5 @ 120
    """,
    "a stop entry that is cancelled": """
        bracket buy 5 @ 110 stop=105; sell 5 @ 120; sell 5 @ 90 stop=95 ->
        cancel #1                       -> #1 cancel 5 owner, #1t cancel 5 pair, #1s cancel 5 pair
    """,
    "an entry that sells": """
        buy 5 @ 100                     -> rest 5 @ 100
        bracket sell 5 @ 100; buy 5 @ 90; buy 5 @ 110 stop=105 -> trade 5 @ 100 with #1, #2t active 5, #2s active 5,
                                           #2t rest 5 @ 90
    """,
    "the take profit trades as it arrives": """
        buy 3 @ 110                     -> rest 3 @ 110
        bracket buy 5 @ 120; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 120
        sell 5 @ 115                    -> trade 5 @ 120 with #2, #2t active 5, #2s active 5, #2t trade 3 @ 110 with #1,
                                           #2s less 3, #2t rest 2 @ 110
    """,
    "the take profit is filled as it arrives: no stop loss": """
        buy 5 @ 110                     -> rest 5 @ 110
        bracket buy 5 @ 120; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 120
        sell 5 @ 115                    -> trade 5 @ 120 with #2, #2t active 5, #2s active 5, #2t trade 5 @ 110 with #1,
                                           #2s cancel 5 pair
    """,
    "the stop loss triggers as it arrives": """
        sell 5 @ 95                     -> rest 5 @ 95
        buy 1 @ 94                      -> rest 1 @ 94
        bracket buy 5 @ 95; sell 5 @ 110; sell 5 @ 90 stop=95 -> trade 5 @ 95 with #1, #3t active 5, #3s active 5,
                                                                 #3t rest 5 @ 110, #3s trigger 95, #3s trade 1 @ 94 with #2,
                                                                 #3t less 1, #3s cancel 4 protection, #3t cancel 4 pair
    """,
    "legs that are changed before their time": """
        bracket buy 5 @ 100; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 100
        sell 2 @ 100                    -> trade 2 @ 100 with #1
        replace #1t to 5 of 5 @ 112     -> #1t replaced 5 @ 112 kept
        replace #1s to 5 of 5 @ 91 stop=96 -> #1s replaced 5 @ 91 stop 96 kept
        replace #1 to 5 of 5 @ 101      -> #1 replaced 3 @ 101, #1 rest 3 @ 101
        cancel #1                       -> #1 cancel 3 owner, #1t active 2, #1s active 2, #1t rest 2 @ 112
        replace #1t to 5 of 5 @ 111     -> #1t replaced 2 @ 111, #1t rest 2 @ 111
        buy 1 @ 96                      -> rest 1 @ 96
        sell 1 @ 96                     -> trade 1 @ 96 with #8, #1s trigger 96, #1s cancel 2 no_liquidity, #1t cancel 2 pair
    """,
    "a leg that is cancelled before its time takes the other with it; the entry goes on": """
        bracket buy 5 @ 100; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 100
        sell 2 @ 100                    -> trade 2 @ 100 with #1
        cancel #1s                      -> #1s cancel 5 owner, #1t cancel 5 pair
        sell 3 @ 100                    -> trade 3 @ 100 with #1
        bracket buy 5 @ 99; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 99
        cancel #5t                      -> #5t cancel 5 owner, #5s cancel 5 pair
        cancel #5                       -> #5 cancel 5 owner
    """,
    "legs do not expire before their time": """
        bracket buy 5 @ 100; sell 5 @ 110 until=20; sell 5 @ 90 stop=95 until=20 -> rest 5 @ 100
        time 30                         ->
        sell 5 @ 100                    -> trade 5 @ 100 with #1, #1t active 5, #1s active 5, #1t rest 5 @ 110
        time 31                         -> #1t cancel 5 expired, #1s cancel 5 pair
    """,
    "decrement takes off the entry what is not traded": """
        bracket buy 5 @ 100; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 100
        sell 2 @ 100                    -> trade 2 @ 100 with #1
        sell 2 @ 100 decrement          -> #1 less 2, less 2
        sell 9 @ 100 by bob             -> trade 1 @ 100 with #1, rest 8 @ 100, #1t active 3, #1s active 3, #1t rest 3 @ 110
    """,
    "decremented to nothing, with something traded": """
        bracket buy 5 @ 100; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 100
        sell 2 @ 100                    -> trade 2 @ 100 with #1
        sell 4 @ 100 decrement          -> #1 less 3, less 3, rest 1 @ 100, #1t active 2, #1s active 2, #1t rest 2 @ 110
    """,
    "decremented to nothing, with nothing traded": """
        sell 5 @ 100                    -> rest 5 @ 100
        bracket buy 5 @ 100 decrement; sell 5 @ 110; sell 5 @ 90 stop=95 -> #1 less 5, less 5, #2t cancel 5 pair,
                                           #2s cancel 5 pair
    """,
    "icebergs": """
        bracket buy 5 @ 100 display=2; sell 5 @ 110 display=3; sell 5 @ 90 stop=95 -> rest 2 @ 100
        sell 4 @ 100                    -> trade 2 @ 100 with #1, #1 shows 2, trade 2 @ 100 with #1, #1 shows 1
        cancel #1                       -> #1 cancel 1 owner, #1t active 4, #1s active 4, #1t rest 3 @ 110
        buy 3 @ 110                     -> trade 3 @ 110 with #1t, #1t shows 1, #1s less 3
    """,
    "a display that is more than what is left shows all": """
        bracket buy 5 @ 100; sell 5 @ 110 display=3; sell 5 @ 90 stop=95 -> rest 5 @ 100
        sell 2 @ 100                    -> trade 2 @ 100 with #1
        cancel #1                       -> #1 cancel 3 owner, #1t active 2, #1s active 2, #1t rest 2 @ 110
    """,
    "legs arrive after the command, and before the stops it reached": """
        sell 5 @ 90 stop=100            ->
        bracket buy 5 @ 100; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 100
        buy 5 @ 98                      -> rest 5 @ 98
        sell 9 @ 100                    -> trade 5 @ 100 with #2, rest 4 @ 100, #2t active 5, #2s active 5, #2t rest 5 @ 110,
                                           #1 trigger 100, #1 trade 5 @ 98 with #3
    """,
    "several entries, in order of their ids; one that a leg completes goes before those that still wait": """
        bracket buy 5 @ 101; sell 5 @ 110; sell 5 @ 90 stop=80 -> rest 5 @ 101
        bracket buy 5 @ 102; sell 5 @ 101; sell 5 @ 90 stop=80 -> rest 5 @ 102
        bracket buy 5 @ 103; sell 5 @ 112; sell 5 @ 90 stop=80 -> rest 5 @ 103
        sell 10 @ 102                   -> trade 5 @ 103 with #3, trade 5 @ 102 with #2, #2t active 5, #2s active 5,
                                           #2t trade 5 @ 101 with #1, #2s cancel 5 pair, #1t active 5, #1s active 5,
                                           #1t rest 5 @ 110, #3t active 5, #3s active 5, #3t rest 5 @ 112
    """,
    "between the stops of a round": """
        buy 1 @ 100                     -> rest 1 @ 100
        bracket buy 2 @ 99; sell 2 @ 110; sell 2 @ 90 stop=80 -> rest 2 @ 99
        buy 5 @ 98                      -> rest 5 @ 98
        sell 2 @ 95 stop=100            ->
        sell 2 @ 95 stop=100            ->
        sell 1 @ 100                    -> trade 1 @ 100 with #1, #4 trigger 100, #4 trade 2 @ 99 with #2, #2t active 2,
                                           #2s active 2, #2t rest 2 @ 110, #5 trigger 100, #5 trade 2 @ 98 with #3
    """,
}
BRACKETS_IN_PHASES = {
    "an entry that the uncross completes: legs after the auction's orders have ended, before stops": """
        sell 1 @ 90 stop=100            ->
        phase opening_auction           -> opening_auction
        bracket buy 5 @ 101 opg; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 101
        sell 3 @ 100                    -> rest 3 @ 100, indicates 3 @ 100 +2
        buy 1 @ 99                      -> rest 1 @ 99
        phase continuous                -> continuous, cross 3 @ 100 from #4 to #3, #3 cancel 2 auction_over, #3t active 3,
                                           #3s active 3, #3t rest 3 @ 110, #1 trigger 100, #1 trade 1 @ 99 with #5
    """,
    "an entry for the opening that trades nothing": """
        phase opening_auction           -> opening_auction
        bracket buy 5 @ 101 opg; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 101
        phase continuous                -> continuous, #2 cancel 5 auction_over, #2t cancel 5 pair, #2s cancel 5 pair
    """,
    "an entry for the close: its legs meet a closed market": """
        bracket buy 5 @ 101 cls; sell 5 @ 110; sell 5 @ 90 stop=95 ->
        sell 3 @ 105                    -> rest 3 @ 105
        phase closing_auction           -> closing_auction, #1 rest 5 @ 101
        replace #2 to 3 of 3 @ 101      -> #2 replaced 3 @ 101, #2 rest 3 @ 101, indicates 3 @ 101 +2
        phase closed                    -> closed, cross 3 @ 101 from #2 to #1, reference 101, #1 cancel 2 auction_over,
                                           #1t active 3, #1s active 3, #1t cancel 3 closed, #1s cancel 3 pair
    """,
    "cancelled in a halt": """
        bracket buy 5 @ 100; sell 5 @ 110; sell 5 @ 90 stop=95 -> rest 5 @ 100
        sell 2 @ 100                    -> trade 2 @ 100 with #1
        phase halted                    -> halted
        replace #1t to 5 of 5 @ 112     -> #1t not replaced halted
        cancel #1                       -> #1 cancel 3 owner, #1t active 2, #1s active 2, #1t cancel 2 halted, #1s cancel 2 pair
    """,
    "cancelled in an auction": """
        bracket buy 5 @ 100; sell 5 @ 110; sell 5 @ 90 stop=100 -> rest 5 @ 100
        sell 2 @ 100                    -> trade 2 @ 100 with #1
        phase closing_auction           -> closing_auction
        cancel #1                       -> #1 cancel 3 owner, #1t active 2, #1s active 2, #1t rest 2 @ 110
        phase continuous                -> continuous, #1s trigger 100, #1s cancel 2 no_liquidity, #1t cancel 2 pair
    """,
    "the band stops an entry: its legs come when the auction is over": """
        symbol trade_band=500           ->
        sell 2 @ 105                    -> rest 2 @ 105
        sell 9 @ 106                    -> rest 9 @ 106
        bracket buy 5 @ 106; sell 5 @ 108; sell 5 @ 90 stop=95 -> trade 2 @ 105 with #2, rest 3 @ 106,
                                           volatility_auction until 60s
                                           "a trade at 0.0106 would have left the band 0.0095 to 0.0105", indicates 3 @ 106 -6
        time 60s                        -> continuous, cross 3 @ 106 from #3 to #4, reference 106, #4t active 5, #4s active 5,
                                           #4t rest 5 @ 108
    """,
    "the band ends an entry that trades at once: its legs arrive in the auction": """
        symbol trade_band=500           ->
        sell 2 @ 105                    -> rest 2 @ 105
        sell 9 @ 106                    -> rest 9 @ 106
        bracket buy 5 @ 106 ioc; sell 5 @ 108; sell 5 @ 90 stop=105 -> trade 2 @ 105 with #2, cancel 3 volatility,
                                                                       volatility_auction until 60s
                                           "a trade at 0.0106 would have left the band 0.0095 to 0.0105",
                                                                       #4t active 2, #4s active 2, #4t rest 2 @ 108
        time 60s                        -> continuous, #4s trigger 105, #4s cancel 2 no_liquidity, #4t cancel 2 pair,
                                           reference 105
    """,
    "a leg starts a volatility auction; legs of the next entry arrive in it": """
        symbol trade_band=500           ->
        buy 1 @ 90                      -> rest 1 @ 90
        bracket buy 2 @ 100; sell 2 @ 90; sell 2 @ 80 stop=100 -> rest 2 @ 100
        bracket buy 2 @ 100; sell 2 @ 110; sell 2 @ 80 stop=100 -> rest 2 @ 100
        sell 4 @ 100                    -> trade 2 @ 100 with #3, trade 2 @ 100 with #4, #3t active 2, #3s active 2,
                                           #3t rest 2 @ 90, volatility_auction until 60s
                                           "a trade at 0.009 would have left the band 0.0095 to 0.0105", #4t active 2,
                                           #4s active 2, #4t rest 2 @ 110, indicates 1 @ 90 -1
    """,
}
SCENARIOS = OCO | OCO_IN_PHASES | BRACKETS | BRACKETS_IN_PHASES


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    play(SCENARIOS[name])
