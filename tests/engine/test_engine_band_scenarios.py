"""Price bands, volatility auctions and the reference price as stories; `story` tells how to read them.

The reference is 100 at first. A trade band of 500 basis points around it is 95 to 105.
"""

import pytest

from tests.engine.story import play

REASON = '"a trade at 0.0106 would have left the band 0.0095 to 0.0105"'
BANDS = {
    "trades at both ends of the band": """
        symbol trade_band=500           ->
        sell 1 @ 105                    -> rest 1 @ 105
        buy 1 @ 95                      -> rest 1 @ 95
        buy 1 @ 120                     -> trade 1 @ 105 with #2
        sell 1 @ 90                     -> trade 1 @ 95 with #3
    """,
    "a buy above the band starts an auction, and rests for it": f"""
        symbol trade_band=500           ->
        sell 2 @ 104                    -> rest 2 @ 104
        sell 2 @ 106                    -> rest 2 @ 106
        buy 5 @ 107                     -> trade 2 @ 104 with #2, rest 3 @ 107, volatility_auction until 60s {REASON},
                                           indicates 2 @ 106 +1
        sell 1 @ 105                    -> rest 1 @ 105, indicates 3 @ 106 +0
        time 60s                        -> continuous, cross 1 @ 106 from #5 to #4, cross 2 @ 106 from #3 to #4, reference 106
        sell 1 @ 111                    -> rest 1 @ 111
        buy 1 @ 111                     -> trade 1 @ 111 with #7
    """,
    "a sell below the band": """
        symbol trade_band=500           ->
        buy 2 @ 94                      -> rest 2 @ 94
        sell 2 @ 94                     -> rest 2 @ 94, volatility_auction until 60s
                                           "a trade at 0.0094 would have left the band 0.0095 to 0.0105", indicates 2 @ 94 +0
        time 60s                        -> continuous, cross 2 @ 94 from #3 to #2, reference 94
    """,
    "an order that rests outside the band starts nothing": """
        symbol trade_band=500           ->
        buy 2 @ 50                      -> rest 2 @ 50
        sell 2 @ 150                    -> rest 2 @ 150
        buy 2 @ 149                     -> rest 2 @ 149
    """,
    "filled within the band, however far it would have gone": """
        symbol trade_band=500           ->
        sell 2 @ 105                    -> rest 2 @ 105
        sell 2 @ 106                    -> rest 2 @ 106
        buy 2 @ 120                     -> trade 2 @ 105 with #2
        buy 2 @ 105                     -> rest 2 @ 105
    """,
    "immediate or cancel": f"""
        symbol trade_band=500           ->
        sell 2 @ 104                    -> rest 2 @ 104
        sell 2 @ 106                    -> rest 2 @ 106
        buy 5 @ 107 ioc                 -> trade 2 @ 104 with #2, cancel 3 volatility, volatility_auction until 60s {REASON}
        time 60s                        -> continuous, reference 104
    """,
    "a market order": f"""
        symbol trade_band=500           ->
        sell 2 @ 106                    -> rest 2 @ 106
        buy 5 @ 120 market              -> cancel 5 volatility, volatility_auction until 60s {REASON}
    """,
    "fill or kill is filled within the band, or not at all": f"""
        symbol trade_band=500           ->
        sell 2 @ 104                    -> rest 2 @ 104
        sell 2 @ 106                    -> rest 2 @ 106
        buy 5 @ 107 fok                 -> cancel 5 fok
        buy 3 @ 105 fok                 -> cancel 3 fok
        buy 2 @ 107 fok                 -> trade 2 @ 104 with #2
        sell 1 @ 104                    -> rest 1 @ 104
        buy 2 @ 107 fok                 -> cancel 2 volatility, volatility_auction until 60s {REASON}
        time 60s                        -> continuous, reference 104
    """,
    "post only does not get as far as the band": """
        symbol trade_band=500           ->
        sell 2 @ 106                    -> rest 2 @ 106
        buy 5 @ 107 post_only           -> cancel 5 post_only
    """,
    "the band comes before self-trade prevention": f"""
        symbol trade_band=500           ->
        sell 2 @ 106                    -> rest 2 @ 106
        buy 1 @ 107 cancel_oldest       -> rest 1 @ 107, volatility_auction until 60s {REASON}, indicates 1 @ 106 -1
    """,
    "a replaced order meets the band": f"""
        symbol trade_band=500           ->
        sell 2 @ 106                    -> rest 2 @ 106
        buy 1 @ 100                     -> rest 1 @ 100
        replace #3 to 1 of 1 @ 106      -> #3 replaced 1 @ 106, #3 rest 1 @ 106, volatility_auction until 60s {REASON},
                                           indicates 1 @ 106 -1
    """,
    "an iceberg rests with what it shows": f"""
        symbol trade_band=500           ->
        sell 2 @ 106                    -> rest 2 @ 106
        buy 9 @ 106 display=2           -> rest 2 @ 106, volatility_auction until 60s {REASON}, indicates 2 @ 106 +7
        phase closed                    -> closed, cross 2 @ 106 from #2 to #3, #3 shows 2, reference 106
    """,
    "the ends of the band are on the tick, and inside": """
        symbol tick=4 trade_band=700    ->
        sell 1 @ 104                    -> rest 1 @ 104
        sell 1 @ 108                    -> rest 1 @ 108
        buy 1 @ 108                     -> trade 1 @ 104 with #2
        buy 1 @ 108                     -> rest 1 @ 108, volatility_auction until 60s
                                           "a trade at 0.0108 would have left the band 0.0096 to 0.0104", indicates 1 @ 108 +0
    """,
    "the band begins at one tick": """
        symbol trade_band=20000         ->
        buy 1 @ 1                       -> rest 1 @ 1
        sell 1 @ 1                      -> trade 1 @ 1 with #2
    """,
    "a market that has moved away below trades in an auction, too": """
        symbol trade_band=500           ->
        sell 1 @ 90                     -> rest 1 @ 90
        buy 1 @ 110                     -> rest 1 @ 110, volatility_auction until 60s
                                           "a trade at 0.009 would have left the band 0.0095 to 0.0105", indicates 1 @ 100 +0
    """,
    "without a band anything trades": """
        sell 1 @ 1000                   -> rest 1 @ 1000
        buy 1 @ 1000                    -> trade 1 @ 1000 with #1
    """,
    "how long the auction lasts": f"""
        symbol trade_band=500 volatility_auction_seconds=5 ->
        sell 1 @ 106                    -> rest 1 @ 106
        time 7s                         ->
        buy 1 @ 106                     -> rest 1 @ 106, volatility_auction until 12s {REASON}, indicates 1 @ 106 +0
        symbol trade_band=500 volatility_auction_seconds=9 ->
        time 11s                        ->
        time 12s                        -> continuous, cross 1 @ 106 from #2 to #4, reference 106
    """,
    "an operator may end it before its time": f"""
        symbol trade_band=500           ->
        sell 1 @ 106                    -> rest 1 @ 106
        buy 1 @ 106                     -> rest 1 @ 106, volatility_auction until 60s {REASON}, indicates 1 @ 106 +0
        phase halted "a rumour"         -> halted "a rumour"
        time 60s                        ->
        phase continuous                -> continuous, cross 1 @ 106 from #2 to #3, reference 106
    """,
}
STOPS = {
    "of a pair that both rest, only one could have traded": """
        symbol trade_band=500           ->
        oco sell 4 @ 106 or sell 4 @ 104 stop_limit=105 -> rest 4 @ 106
        sell 1 @ 103                    -> rest 1 @ 103
        buy 1 @ 103                     -> trade 1 @ 103 with #3, #2s trigger 105, #2s rest 4 @ 104
        sell 9 @ 108                    -> rest 9 @ 108
        buy 8 @ 110 fok                 -> cancel 8 volatility, volatility_auction until 60s
                                           "a trade at 0.0108 would have left the band 0.0095 to 0.0105"
    """,
    "stops reached before the band stopped it all wait for the auction's end": f"""
        symbol trade_band=500           ->
        buy 1 @ 120 stop=104            ->
        sell 2 @ 104                    -> rest 2 @ 104
        sell 2 @ 106                    -> rest 2 @ 106
        buy 3 @ 107                     -> trade 2 @ 104 with #3, rest 1 @ 107, volatility_auction until 60s {REASON},
                                           indicates 1 @ 106 -1
        time 60s                        -> continuous, cross 1 @ 106 from #4 to #5, reference 106, #2 trigger 104,
                                           #2 trade 1 @ 106 with #4
    """,
    "they trigger even if the auction's price does not reach them": f"""
        symbol trade_band=500           ->
        buy 1 @ 120 stop=105            ->
        sell 2 @ 105                    -> rest 2 @ 105
        sell 2 @ 106                    -> rest 2 @ 106
        buy 3 @ 107                     -> trade 2 @ 105 with #3, rest 1 @ 107, volatility_auction until 60s {REASON},
                                           indicates 1 @ 106 -1
        sell 5 @ 101                    -> rest 5 @ 101, indicates 1 @ 101 -4
        time 60s                        -> continuous, cross 1 @ 101 from #6 to #5, reference 101, #2 trigger 105,
                                           #2 trade 1 @ 101 with #6
    """,
    "a triggered stop starts the auction; those after it go on waiting": f"""
        symbol trade_band=500           ->
        buy 1 @ 120 stop=100            ->
        buy 2 @ 107 stop_limit=100      ->
        buy 3 @ 107 stop_limit=100      ->
        sell 1 @ 100                    -> rest 1 @ 100
        sell 1 @ 101                    -> rest 1 @ 101
        sell 9 @ 106                    -> rest 9 @ 106
        buy 1 @ 100                     -> trade 1 @ 100 with #5, #2 trigger 100, #2 trade 1 @ 101 with #6, #3 trigger 100,
                                           #3 rest 2 @ 107, volatility_auction until 60s {REASON}, indicates 2 @ 106 -7
        replace #4 to 2 of 3 @ 107 stop=100 -> #4 replaced 2 @ 107 stop 100 kept
        time 60s                        -> continuous, cross 2 @ 106 from #7 to #3, reference 106, #4 trigger 100,
                                           #4 trade 2 @ 106 with #7
    """,
    "a triggered market stop ends at the band": f"""
        symbol trade_band=500           ->
        buy 4 @ 120 stop=100            ->
        sell 1 @ 100                    -> rest 1 @ 100
        sell 1 @ 105                    -> rest 1 @ 105
        sell 1 @ 106                    -> rest 1 @ 106
        buy 1 @ 100                     -> trade 1 @ 100 with #3, #2 trigger 100, #2 trade 1 @ 105 with #4,
                                           #2 cancel 3 volatility, volatility_auction until 60s {REASON}
        time 60s                        -> continuous, reference 105
    """,
    "a cascade at the auction's end may start the next auction": """
        symbol trade_band=500           ->
        buy 1 @ 120 stop=106            ->
        sell 1 @ 106                    -> rest 1 @ 106
        sell 1 @ 112                    -> rest 1 @ 112
        buy 1 @ 106                     -> rest 1 @ 106, volatility_auction until 60s
                                           "a trade at 0.0106 would have left the band 0.0095 to 0.0105", indicates 1 @ 106 +0
        time 61s                        -> continuous, cross 1 @ 106 from #3 to #5, reference 106, #2 trigger 106,
                                           #2 cancel 1 volatility, volatility_auction until 121s
                                           "a trade at 0.0112 would have left the band 0.0101 to 0.0111"
        time 121s                       -> continuous
    """,
    "a trailing stop has moved with the trades before the band": f"""
        symbol trade_band=500           ->
        sell 1 @ 90 stop=95 trail=2 trailing ->
        buy 2 @ 102                     -> rest 2 @ 102
        sell 1 @ 105                    -> rest 1 @ 105
        sell 1 @ 106                    -> rest 1 @ 106
        buy 2 @ 106                     -> trade 1 @ 105 with #4, rest 1 @ 106, volatility_auction until 60s {REASON},
                                           indicates 1 @ 106 +0
        sell 1 @ 104                    -> rest 1 @ 104, indicates 1 @ 104 +0
        time 60s                        -> continuous, cross 1 @ 104 from #7 to #6, reference 104
        sell 1 @ 102                    -> trade 1 @ 102 with #3, #2 trigger 103, #2 trade 1 @ 102 with #3
    """,
}
REFERENCE = {
    "it becomes the last price, every so often": """
        symbol trade_band=500 reference_seconds=10 ->
        sell 9 @ 104                    -> rest 9 @ 104
        buy 1 @ 104                     -> trade 1 @ 104 with #2
        time 9s                         ->
        time 10s                        -> reference 104
        sell 1 @ 109                    -> rest 1 @ 109
        cancel #2                       -> #2 cancel 8 owner
        buy 1 @ 109                     -> trade 1 @ 109 with #6
        time 19s                        ->
        time 21s                        -> reference 109
        time 30s                        ->
        time 31s                        ->
    """,
    "the time counts even when it stays what it is": """
        symbol trade_band=500 reference_seconds=10 ->
        sell 1 @ 100                    -> rest 1 @ 100
        buy 1 @ 100                     -> trade 1 @ 100 with #2
        time 15s                        ->
        sell 1 @ 103                    -> rest 1 @ 103
        buy 1 @ 103                     -> trade 1 @ 103 with #5
        time 24s                        ->
        time 25s                        -> reference 103
    """,
    "before the first trade nothing counts": """
        symbol trade_band=500 reference_seconds=10 ->
        time 15s                        ->
        sell 1 @ 103                    -> rest 1 @ 103
        buy 1 @ 103                     -> trade 1 @ 103 with #3
        time 16s                        -> reference 103
    """,
    "with an order band only": """
        symbol order_band=500 reference_seconds=10 ->
        sell 1 @ 150                    -> rest 1 @ 150
        buy 1 @ 150                     -> trade 1 @ 150 with #2
        time 15s                        -> reference 150
    """,
    "without bands it stays": """
        symbol reference_seconds=10     ->
        sell 1 @ 103                    -> rest 1 @ 103
        buy 1 @ 103                     -> trade 1 @ 103 with #2
        time 15s                        ->
    """,
    "defined again, the symbol keeps it": """
        symbol opening_price=200 trade_band=500 ->
        sell 1 @ 104                    -> rest 1 @ 104
        buy 1 @ 104                     -> trade 1 @ 104 with #2
        sell 1 @ 106                    -> rest 1 @ 106
        buy 1 @ 106 ioc                 -> cancel 1 volatility, volatility_auction until 60s
                                           "a trade at 0.0106 would have left the band 0.0095 to 0.0105"
    """,
    "each uncross moves it, whether or not there are bands": """
        phase opening_auction           -> opening_auction
        buy 1 @ 103                     -> rest 1 @ 103
        sell 1 @ 103                    -> rest 1 @ 103, indicates 1 @ 103 +0
        phase continuous                -> continuous, cross 1 @ 103 from #3 to #2, reference 103
        phase closing_auction           -> closing_auction
        buy 1 @ 103                     -> rest 1 @ 103
        sell 1 @ 103                    -> rest 1 @ 103, indicates 1 @ 103 +0
        phase closed                    -> closed, cross 1 @ 103 from #7 to #6
    """,
    "an uncross does not put off the next update": """
        symbol trade_band=500 reference_seconds=10 ->
        phase opening_auction           -> opening_auction
        buy 1 @ 103                     -> rest 1 @ 103
        sell 1 @ 103                    -> rest 1 @ 103, indicates 1 @ 103 +0
        time 9s                         ->
        phase continuous                -> continuous, cross 1 @ 103 from #4 to #3, reference 103
        sell 1 @ 104                    -> rest 1 @ 104
        buy 1 @ 104                     -> trade 1 @ 104 with #7
        time 10s                        -> reference 104
    """,
    "an auction is near to the last price where no bands are set": """
        sell 1 @ 110                    -> rest 1 @ 110
        buy 1 @ 110                     -> trade 1 @ 110 with #1
        phase closing_auction           -> closing_auction
        buy 1 @ 120                     -> rest 1 @ 120
        sell 1 @ 90                     -> rest 1 @ 90, indicates 1 @ 110 +0
        symbol trade_band=500           -> indicates 1 @ 100 +0
        time 60s                        -> reference 110, indicates 1 @ 110 +0
    """,
    "it moves in every phase": """
        symbol trade_band=500 reference_seconds=10 ->
        sell 1 @ 104                    -> rest 1 @ 104
        buy 1 @ 104                     -> trade 1 @ 104 with #2
        phase halted                    -> halted
        time 10s                        -> reference 104
    """,
}
SCENARIOS = BANDS | STOPS | REFERENCE


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    play(SCENARIOS[name])
