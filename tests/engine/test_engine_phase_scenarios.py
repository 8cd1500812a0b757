"""The phases of the day as stories: what each takes, and what each brings about; `story` tells how to read them."""

import pytest

from tests.engine.story import play

TAKING = {
    "pre-open": """
        phase pre_open                  -> pre_open
        buy 5 @ 100                     -> rest 5 @ 100
        buy 5 @ 99 until=50             -> rest 5 @ 99
        sell 4 @ 98 opg                 -> rest 4 @ 98, indicates 4 @ 100 +1
        sell 1 @ 97 market opg          -> rest 1 @ 97, indicates 5 @ 100 +0
        sell 9 @ 90 cls                 ->
        sell 9 @ 90 market cls          ->
        buy 9 @ 110 ioc                 -> cancel 9 auction
        buy 9 @ 110 fok                 -> cancel 9 auction
        buy 9 @ 110 market              -> cancel 9 auction
        buy 9 @ 110 stop=105            ->
        buy 9 @ 106 stop_limit=105      ->
        sell 9 @ 90 stop=95 trail=5 trailing ->
        sell 3 @ 99 post_only           -> rest 3 @ 99, indicates 8 @ 99 +2
        buy 6 @ 101 display=2           -> rest 2 @ 101, indicates 8 @ 100 +3
        buy 1 @ 101 cancel_both         -> rest 1 @ 101, indicates 8 @ 100 +4
        replace #2 to 5 of 5 @ 98       -> #2 replaced 5 @ 98, #2 rest 5 @ 98, indicates 8 @ 99 +4
        replace #2 to 3 of 5 @ 98       -> #2 replaced 3 @ 98 kept
        cancel #15                      -> #15 cancel 6 owner, indicates 6 @ 99 -2
        time 50                         -> #3 cancel 5 expired, indicates 4 @ 98 -1
    """,
    "the opening auction": """
        phase opening_auction           -> opening_auction
        buy 5 @ 100                     -> rest 5 @ 100
        sell 4 @ 98 opg                 -> rest 4 @ 98, indicates 4 @ 100 +1
        sell 1 @ 97 market opg          -> rest 1 @ 97, indicates 5 @ 100 +0
        sell 9 @ 90 cls                 ->
        sell 9 @ 90 market cls          ->
        buy 9 @ 110 ioc                 -> cancel 9 auction
        buy 9 @ 110 fok                 -> cancel 9 auction
        buy 9 @ 110 market              -> cancel 9 auction
        buy 9 @ 110 stop=105            ->
        sell 3 @ 99 post_only           -> rest 3 @ 99, indicates 5 @ 98 +0
        buy 6 @ 101 display=2           -> rest 2 @ 101, indicates 8 @ 100 +3
        replace #2 to 5 of 5 @ 98       -> #2 replaced 5 @ 98, #2 rest 5 @ 98, indicates 6 @ 100 -2
        cancel #12                      -> #12 cancel 6 owner, indicates 5 @ 98 +0
    """,
    "continuous trading": """
        buy 5 @ 100                     -> rest 5 @ 100
        sell 1 @ 100 opg                -> cancel 1 auction_over
        sell 1 @ 100 market opg         -> cancel 1 auction_over
        sell 1 @ 100 cls                ->
        sell 1 @ 90 market cls          ->
        sell 1 @ 100 ioc                -> trade 1 @ 100 with #1
        sell 1 @ 100 fok                -> trade 1 @ 100 with #1
        sell 1 @ 90 market              -> trade 1 @ 100 with #1
        sell 1 @ 90 stop=101            -> trigger 101, trade 1 @ 100 with #1
        sell 2 @ 100                    -> trade 1 @ 100 with #1, rest 1 @ 100
        buy 1 @ 100 post_only           -> cancel 1 post_only
        cancel #4                       -> #4 cancel 1 owner
    """,
    "a volatility auction": """
        phase volatility_auction        -> volatility_auction until 60s
        buy 5 @ 100                     -> rest 5 @ 100
        sell 4 @ 98 until=50            -> rest 4 @ 98, indicates 4 @ 100 +1
        sell 4 @ 98 opg                 -> cancel 4 auction_over
        sell 4 @ 98 market opg          -> cancel 4 auction_over
        sell 9 @ 90 cls                 ->
        sell 9 @ 90 market cls          ->
        buy 9 @ 110 ioc                 -> cancel 9 auction
        buy 9 @ 110 fok                 -> cancel 9 auction
        buy 9 @ 110 market              -> cancel 9 auction
        buy 9 @ 110 stop=105            ->
        sell 3 @ 99 post_only           -> rest 3 @ 99, indicates 5 @ 100 -2
        buy 6 @ 101 display=2           -> rest 2 @ 101, indicates 7 @ 100 +4
        replace #2 to 5 of 5 @ 98       -> #2 replaced 5 @ 98, #2 rest 5 @ 98, indicates 6 @ 100 -1
        cancel #13                      -> #13 cancel 6 owner, indicates 4 @ 98 +1
    """,
    "the closing auction": """
        phase closing_auction           -> closing_auction
        buy 5 @ 100                     -> rest 5 @ 100
        sell 4 @ 98                     -> rest 4 @ 98, indicates 4 @ 100 +1
        sell 4 @ 98 opg                 -> cancel 4 auction_over
        sell 4 @ 98 market opg          -> cancel 4 auction_over
        sell 2 @ 99 cls                 -> rest 2 @ 99, indicates 5 @ 100 -1
        sell 1 @ 90 market cls          -> rest 1 @ 90, indicates 5 @ 98 +0
        buy 9 @ 110 ioc                 -> cancel 9 auction
        buy 9 @ 110 fok                 -> cancel 9 auction
        buy 9 @ 110 market              -> cancel 9 auction
        buy 9 @ 110 stop=105            ->
        sell 3 @ 99 post_only           -> rest 3 @ 99
        buy 6 @ 101 display=2           -> rest 2 @ 101, indicates 10 @ 100 +1
        replace #2 to 5 of 5 @ 98       -> #2 replaced 5 @ 98, #2 rest 5 @ 98, indicates 6 @ 100 -4
        cancel #13                      -> #13 cancel 6 owner, indicates 5 @ 98 +0
    """,
    "halted": """
        buy 5 @ 100                     -> rest 5 @ 100
        buy 5 @ 110 stop=105            ->
        sell 5 @ 110 cls                ->
        phase halted "news are pending" -> halted "news are pending"
        buy 1 @ 100                     -> cancel 1 halted
        buy 1 @ 100 market              -> cancel 1 halted
        buy 1 @ 100 ioc                 -> cancel 1 halted
        buy 1 @ 100 fok                 -> cancel 1 halted
        buy 1 @ 100 opg                 -> cancel 1 halted
        buy 1 @ 100 cls                 -> cancel 1 halted
        buy 1 @ 110 stop=105            -> cancel 1 halted
        buy 1 @ 105 stop_limit=105      -> cancel 1 halted
        buy 1 @ 110 stop=105 trail=5 trailing -> cancel 1 halted
        buy 1 @ 100 post_only           -> cancel 1 halted
        replace #1 to 4 of 5 @ 100      -> #1 not replaced halted
        replace #2 to 4 of 5 @ 110 stop=105 -> #2 not replaced halted
        replace #3 to 4 of 5 @ 110      -> #3 not replaced halted
        replace #5 to 1 of 1 @ 100      -> #5 not replaced halted
        cancel #1                       -> #1 cancel 5 owner
        cancel #2                       -> #2 cancel 5 owner
        cancel #3                       -> #3 cancel 5 owner
        cancel #3                       -> #3 too late
    """,
    "closed": """
        buy 5 @ 100                     -> rest 5 @ 100
        buy 5 @ 110 stop=105            ->
        phase closed                    -> closed
        buy 1 @ 100                     -> cancel 1 closed
        buy 1 @ 100 market              -> cancel 1 closed
        buy 1 @ 100 ioc                 -> cancel 1 closed
        buy 1 @ 100 fok                 -> cancel 1 closed
        buy 1 @ 100 opg                 -> cancel 1 closed
        buy 1 @ 100 cls                 -> cancel 1 closed
        buy 1 @ 110 stop=105            -> cancel 1 closed
        replace #1 to 4 of 5 @ 100      -> #1 not replaced closed
        replace #9 to 1 of 1 @ 100      -> #9 not replaced closed
        cancel #1                       -> #1 cancel 5 owner
        cancel #2                       -> #2 cancel 5 owner
        cancel #2                       -> #2 too late
    """,
}
TRANSITIONS = {
    "a day": """
        phase pre_open                  -> pre_open
        buy 5 @ 101                     -> rest 5 @ 101
        sell 3 @ 99                     -> rest 3 @ 99, indicates 3 @ 100 +2
        phase opening_auction           -> opening_auction, indicates 3 @ 100 +2
        phase continuous                -> continuous, cross 3 @ 100 from #3 to #2
        sell 1 @ 101                    -> trade 1 @ 101 with #2
        sell 2 @ 100 cls                ->
        phase closing_auction           -> closing_auction, #7 rest 2 @ 100, indicates 1 @ 101 -1
        buy 1 @ 99                      -> rest 1 @ 99
        phase closed                    -> closed, cross 1 @ 101 from #7 to #2, reference 101, #7 cancel 1 auction_over
        phase pre_open                  -> pre_open
        sell 1 @ 99                     -> rest 1 @ 99, indicates 1 @ 99 +0
    """,
    "the phase that it is, is told once; another reason is told": """
        phase continuous                ->
        phase halted "a"                -> halted "a"
        phase halted "a"                ->
        phase halted "b"                -> halted "b"
        phase halted                    -> halted
        phase continuous                -> continuous
    """,
    "another reason tells the indication again": """
        phase pre_open                  -> pre_open
        buy 1 @ 100                     -> rest 1 @ 100
        sell 1 @ 100                    -> rest 1 @ 100, indicates 1 @ 100 +0
        time 5                          ->
        phase pre_open "a late start"   -> pre_open "a late start", indicates 1 @ 100 +0
    """,
    "only continuous and the end of an auction uncross": """
        phase pre_open                  -> pre_open
        buy 5 @ 101                     -> rest 5 @ 101
        sell 3 @ 99                     -> rest 3 @ 99, indicates 3 @ 100 +2
        phase closed                    -> closed
        phase closing_auction           -> closing_auction, indicates 3 @ 100 +2
        phase halted                    -> halted
        phase volatility_auction        -> volatility_auction until 60s, indicates 3 @ 100 +2
        phase opening_auction           -> opening_auction, indicates 3 @ 100 +2
        phase halted                    -> halted
        phase closed                    -> closed
        phase continuous                -> continuous, cross 3 @ 100 from #3 to #2
    """,
    "opening auction to closed uncrosses": """
        phase opening_auction           -> opening_auction
        buy 5 @ 101 opg                 -> rest 5 @ 101
        sell 3 @ 99                     -> rest 3 @ 99, indicates 3 @ 100 +2
        phase closed                    -> closed, cross 3 @ 100 from #3 to #2, #2 cancel 2 auction_over
    """,
    "volatility auction to closed uncrosses": """
        phase volatility_auction        -> volatility_auction until 60s
        buy 5 @ 101                     -> rest 5 @ 101
        sell 3 @ 99                     -> rest 3 @ 99, indicates 3 @ 100 +2
        phase closed                    -> closed, cross 3 @ 100 from #3 to #2
    """,
    "a halt in the middle of an auction keeps everything": """
        phase pre_open                  -> pre_open
        buy 5 @ 101 opg                 -> rest 5 @ 101
        sell 3 @ 99                     -> rest 3 @ 99, indicates 3 @ 100 +2
        phase halted "fire"             -> halted "fire"
        phase pre_open                  -> pre_open, indicates 3 @ 100 +2
        phase halted "fire"             -> halted "fire"
        phase continuous                -> continuous, cross 3 @ 100 from #3 to #2, #2 cancel 2 auction_over
    """,
    "halt and resume in continuous trading": """
        buy 5 @ 100                     -> rest 5 @ 100
        sell 3 @ 102                    -> rest 3 @ 102
        phase halted                    -> halted
        phase continuous                -> continuous
        sell 1 @ 100                    -> trade 1 @ 100 with #1
    """,
    "a volatility auction ends by itself, at the first batch whose time has come": """
        phase volatility_auction        -> volatility_auction until 60s
        buy 5 @ 101                     -> rest 5 @ 101
        sell 3 @ 99                     -> rest 3 @ 99, indicates 3 @ 100 +2
        time 59s                        ->
        time 61s                        -> continuous, cross 3 @ 100 from #3 to #2
        time 99s                        ->
    """,
    "unless a command has moved it on": """
        phase volatility_auction        -> volatility_auction until 60s
        phase halted                    -> halted
        time 99s                        ->
        phase volatility_auction        -> volatility_auction until 159s
        phase volatility_auction "again" -> volatility_auction until 159s "again"
        time 158s                       ->
        time 159s                       -> continuous
    """,
    "an order that expires as the auction ends takes part": """
        phase volatility_auction        -> volatility_auction until 60s
        buy 5 @ 101 until=60s           -> rest 5 @ 101
        sell 3 @ 99                     -> rest 3 @ 99, indicates 3 @ 100 +2
        time 61s                        -> continuous, cross 3 @ 100 from #3 to #2, #2 cancel 2 expired
    """,
}
AUCTION_ORDERS = {
    "opg trades at the opening and ends with it": """
        phase pre_open                  -> pre_open
        buy 5 @ 101 opg                 -> rest 5 @ 101
        sell 2 @ 90 market opg          -> rest 2 @ 90, indicates 2 @ 100 +3
        sell 2 @ 103 opg                -> rest 2 @ 103
        buy 1 @ 90                      -> rest 1 @ 90
        phase opening_auction           -> opening_auction, indicates 2 @ 100 +3
        phase continuous                -> continuous, cross 2 @ 100 from #3 to #2, #2 cancel 3 auction_over,
                                           #4 cancel 2 auction_over
    """,
    "opg ends with whatever comes instead of the opening": """
        phase pre_open                  -> pre_open
        buy 5 @ 101 opg                 -> rest 5 @ 101
        phase closing_auction           -> closing_auction, #2 cancel 5 auction_over
        phase pre_open                  -> pre_open
        buy 5 @ 101 opg                 -> rest 5 @ 101
        phase volatility_auction        -> volatility_auction until 60s, #5 cancel 5 auction_over
        phase pre_open                  -> pre_open
        buy 5 @ 101 opg                 -> rest 5 @ 101
        phase closed                    -> closed, #8 cancel 5 auction_over
    """,
    "a market order's rest ends with auction_over, too": """
        phase opening_auction           -> opening_auction
        buy 5 @ 110 market opg          -> rest 5 @ 110
        sell 2 @ 100                    -> rest 2 @ 100, indicates 2 @ 100 +3
        phase continuous                -> continuous, cross 2 @ 100 from #3 to #2, #2 cancel 3 auction_over
    """,
    "market orders alone meet at the price nearest to the reference": """
        phase opening_auction           -> opening_auction
        buy 5 @ 105 market opg          -> rest 5 @ 105
        sell 5 @ 95 market opg          -> rest 5 @ 95, indicates 5 @ 100 +0
        phase continuous                -> continuous, cross 5 @ 100 from #3 to #2
    """,
    "opg orders that are replaced": """
        phase pre_open                  -> pre_open
        buy 5 @ 101 opg                 -> rest 5 @ 101
        replace #2 to 3 of 5 @ 101      -> #2 replaced 3 @ 101 kept
        replace #2 to 3 of 3 @ 99       -> #2 replaced 3 @ 99, #2 rest 3 @ 99
        phase halted                    -> halted
        replace #2 to 3 of 3 @ 98       -> #2 not replaced halted
        phase continuous                -> continuous, #2 cancel 3 auction_over
    """,
    "parked for the close, they come in order of their ids": """
        sell 1 @ 105 cls                ->
        buy 2 @ 95 market cls           ->
        buy 3 @ 101 cls                 ->
        replace #3 to 2 of 3 @ 101      -> #3 replaced 2 @ 101 kept
        replace #1 to 4 of 1 @ 104      -> #1 replaced 4 @ 104
        replace #1 to 4 of 4 @ 100      -> #1 replaced 4 @ 100
        phase closing_auction           -> closing_auction, #1 rest 4 @ 100, #2 rest 2 @ 95, #3 rest 2 @ 101,
                                           indicates 2 @ 100 -2
        replace #2 to 2 of 2 @ 100      -> #2 replaced 2 @ 100, #2 rest 2 @ 100, indicates 4 @ 100 +0
        phase closed                    -> closed, cross 2 @ 100 from #1 to #3, cross 2 @ 100 from #1 to #2
    """,
    "parked orders can be cancelled, and expire": """
        sell 5 @ 105 cls                ->
        sell 3 @ 105 cls until=50       ->
        cancel #1                       -> #1 cancel 5 owner
        cancel #1                       -> #1 too late
        replace #1 to 5 of 5 @ 105      -> #1 not replaced
        time 49                         ->
        time 50                         -> #2 cancel 3 expired
        phase closing_auction           -> closing_auction
    """,
    "parked orders that the day never calls end at the close": """
        sell 5 @ 105 cls                ->
        buy 5 @ 110 cls                 ->
        phase halted                    -> halted
        phase continuous                -> continuous
        phase closed                    -> closed, #1 cancel 5 auction_over, #2 cancel 5 auction_over
    """,
    "parked through the opening": """
        phase pre_open                  -> pre_open
        buy 5 @ 110 cls                 ->
        phase opening_auction           -> opening_auction
        sell 5 @ 90                     -> rest 5 @ 90
        phase continuous                -> continuous
        phase closing_auction           -> closing_auction, #2 rest 5 @ 110, indicates 5 @ 100 +0
    """,
    "from the closing auction back to continuous trading": """
        sell 5 @ 105 cls                ->
        buy 2 @ 99 market cls           ->
        phase closing_auction           -> closing_auction, #1 rest 5 @ 105, #2 rest 2 @ 99
        phase continuous                -> continuous
        buy 1 @ 105                     -> trade 1 @ 105 with #1
        replace #1 to 3 of 4 @ 105      -> #1 replaced 3 @ 105 kept
        replace #1 to 3 of 3 @ 104      -> #1 replaced 3 @ 104
        buy 1 @ 105 ioc                 -> cancel 1 ioc
        sell 1 @ 99                     -> trade 1 @ 99 with #2
        phase closed                    -> closed, #1 cancel 3 auction_over, #2 cancel 1 auction_over
    """,
}
STOPS = {
    "a stop waits in an auction, whatever the last price is": """
        buy 1 @ 100                     -> rest 1 @ 100
        sell 1 @ 100                    -> trade 1 @ 100 with #1
        phase pre_open                  -> pre_open
        buy 1 @ 110 stop=99             ->
        buy 1 @ 110 stop=101            ->
        sell 1 @ 105                    -> rest 1 @ 105
        phase continuous                -> continuous, #4 trigger 99, #4 trade 1 @ 105 with #6, #5 trigger 101,
                                           #5 cancel 1 no_liquidity
    """,
    "the uncross triggers stops, in order of their ids": """
        buy 2 @ 110 stop=102            ->
        sell 2 @ 90 stop=102            ->
        sell 2 @ 90 stop=101            ->
        phase opening_auction           -> opening_auction
        buy 3 @ 102                     -> rest 3 @ 102
        sell 3 @ 102                    -> rest 3 @ 102, indicates 3 @ 102 +0
        sell 1 @ 104                    -> rest 1 @ 104
        phase continuous                -> continuous, cross 3 @ 102 from #6 to #5, reference 102, #1 trigger 102,
                                           #1 trade 1 @ 104 with #7, #1 cancel 1 protection, #2 trigger 102,
                                           #2 cancel 2 no_liquidity
    """,
    "after the orders for the auction have ended": """
        sell 2 @ 90 stop=99             ->
        phase opening_auction           -> opening_auction
        buy 5 @ 98 opg                  -> rest 5 @ 98
        sell 2 @ 98                     -> rest 2 @ 98, indicates 2 @ 98 +3
        buy 1 @ 97                      -> rest 1 @ 97
        phase continuous                -> continuous, cross 2 @ 98 from #4 to #3, reference 98, #3 cancel 3 auction_over,
                                           #1 trigger 99, #1 trade 1 @ 97 with #5, #1 cancel 1 protection
    """,
    "what the closing auction reaches triggers in the morning": """
        sell 2 @ 90 stop=99             ->
        buy 2 @ 98                      -> rest 2 @ 98
        phase closing_auction           -> closing_auction
        sell 1 @ 98                     -> rest 1 @ 98, indicates 1 @ 98 +1
        phase closed                    -> closed, cross 1 @ 98 from #4 to #2, reference 98
        phase pre_open                  -> pre_open
        buy 5 @ 105                     -> rest 5 @ 105
        sell 1 @ 105                    -> rest 1 @ 105, indicates 1 @ 105 +4
        phase continuous                -> continuous, cross 1 @ 105 from #8 to #7, reference 105, #1 trigger 99,
                                           #1 trade 2 @ 105 with #7
    """,
    "a stop that came after the close has not seen it": """
        sell 2 @ 90 stop=97             ->
        buy 1 @ 98                      -> rest 1 @ 98
        phase closing_auction           -> closing_auction
        sell 1 @ 98                     -> rest 1 @ 98, indicates 1 @ 98 +0
        phase closed                    -> closed, cross 1 @ 98 from #4 to #2, reference 98
        phase pre_open                  -> pre_open
        sell 2 @ 90 stop=98             ->
        buy 1 @ 100                     -> rest 1 @ 100
        sell 1 @ 100                    -> rest 1 @ 100, indicates 1 @ 100 +0
        phase continuous                -> continuous, cross 1 @ 100 from #9 to #8, reference 100
    """,
    "a trailing stop follows the uncross": """
        sell 2 @ 80 stop=90 trail=5 trailing ->
        phase closing_auction           -> closing_auction
        buy 3 @ 110                     -> rest 3 @ 110
        sell 1 @ 110                    -> rest 1 @ 110, indicates 1 @ 110 +2
        phase closed                    -> closed, cross 1 @ 110 from #4 to #3, reference 110
        phase continuous                -> continuous
        cancel #3                       -> #3 cancel 2 owner
        buy 5 @ 105                     -> rest 5 @ 105
        sell 1 @ 105                    -> trade 1 @ 105 with #8, #1 trigger 105, #1 trade 2 @ 105 with #8
    """,
    "reached stops can be cancelled and expire, and go on as reached when only made smaller": """
        sell 1 @ 90 stop=99             ->
        sell 1 @ 90 stop=99 until=50    ->
        sell 5 @ 90 stop=99             ->
        sell 1 @ 90 stop=99             ->
        buy 9 @ 98                      -> rest 9 @ 98
        phase closing_auction           -> closing_auction
        sell 1 @ 98                     -> rest 1 @ 98, indicates 1 @ 98 +8
        phase closed                    -> closed, cross 1 @ 98 from #7 to #5, reference 98
        phase pre_open                  -> pre_open
        cancel #1                       -> #1 cancel 1 owner
        time 50                         -> #2 cancel 1 expired
        replace #3 to 2 of 5 @ 90 stop=99 -> #3 replaced 2 @ 90 stop 99 kept
        replace #4 to 1 of 1 @ 90 stop=95 -> #4 replaced 1 @ 90 stop 95
        buy 1 @ 100                     -> rest 1 @ 100
        sell 1 @ 100                    -> rest 1 @ 100, indicates 1 @ 100 +0
        phase continuous                -> continuous, cross 1 @ 100 from #15 to #14, reference 100, #3 trigger 99,
                                           #3 trade 2 @ 98 with #5
    """,
    "a reached stop that is made larger goes on as reached": """
        sell 1 @ 90 stop=99             ->
        buy 9 @ 98                      -> rest 9 @ 98
        phase closing_auction           -> closing_auction
        sell 1 @ 98                     -> rest 1 @ 98, indicates 1 @ 98 +8
        phase closed                    -> closed, cross 1 @ 98 from #4 to #2, reference 98
        phase pre_open                  -> pre_open
        replace #1 to 3 of 1 @ 90 stop=99 -> #1 replaced 3 @ 90 stop 99
        buy 1 @ 100                     -> rest 1 @ 100
        sell 1 @ 100                    -> rest 1 @ 100, indicates 1 @ 100 +0
        phase continuous                -> continuous, cross 1 @ 100 from #9 to #8, reference 100, #1 trigger 99,
                                           #1 trade 3 @ 98 with #2
    """,
    "stops wait through a halt": """
        sell 1 @ 90 stop=99             ->
        phase halted                    -> halted
        phase continuous                -> continuous
        buy 5 @ 99                      -> rest 5 @ 99
        sell 1 @ 99                     -> trade 1 @ 99 with #4, #1 trigger 99, #1 trade 1 @ 99 with #4
    """,
}
INDICATED = {
    "told when it changes, only": """
        phase pre_open                  -> pre_open
        buy 5 @ 100                     -> rest 5 @ 100
        sell 5 @ 100                    -> rest 5 @ 100, indicates 5 @ 100 +0
        buy 5 @ 99                      -> rest 5 @ 99
        sell 1 @ 100                    -> rest 1 @ 100, indicates 5 @ 100 -1
        buy 4 @ 101                     -> rest 4 @ 101, indicates 6 @ 100 +3
        cancel #6                       -> #6 cancel 4 owner, indicates 5 @ 100 -1
        cancel #2                       -> #2 cancel 5 owner, indicates 0 @ 0 +0
        cancel #3                       -> #3 cancel 5 owner
    """,
    "and again in the next phase that collects orders": """
        phase pre_open                  -> pre_open
        buy 5 @ 100                     -> rest 5 @ 100
        sell 5 @ 100                    -> rest 5 @ 100, indicates 5 @ 100 +0
        phase opening_auction           -> opening_auction, indicates 5 @ 100 +0
        phase halted                    -> halted
        phase opening_auction           -> opening_auction, indicates 5 @ 100 +0
        phase continuous                -> continuous, cross 5 @ 100 from #3 to #2
        phase closing_auction           -> closing_auction
    """,
    "nothing is indicated in continuous trading": """
        buy 5 @ 100                     -> rest 5 @ 100
        sell 5 @ 101                    -> rest 5 @ 101
        phase halted                    -> halted
        cancel #1                       -> #1 cancel 5 owner
    """,
}
RESTING = {
    "what came in an auction behaves as always afterwards": """
        phase pre_open                  -> pre_open
        buy 5 @ 100 post_only           -> rest 5 @ 100
        buy 6 @ 100 display=2           -> rest 2 @ 100
        buy 2 @ 100 cancel_both         -> rest 2 @ 100
        buy 3 @ 99 until=50             -> rest 3 @ 99
        phase continuous                -> continuous
        sell 8 @ 100 by bob             -> trade 5 @ 100 with #2, trade 2 @ 100 with #3, #3 shows 2, trade 1 @ 100 with #4
        replace #2 to 1 of 1 @ 99       -> #2 not replaced
        sell 1 @ 101                    -> rest 1 @ 101
        replace #4 to 1 of 1 @ 101      -> #4 replaced 1 @ 101, #9 cancel 1 self_trade, #4 cancel 1 self_trade
        time 50                         -> #5 cancel 3 expired
    """,
    "post only may cross in an auction, and trade in it": """
        phase pre_open                  -> pre_open
        sell 5 @ 100                    -> rest 5 @ 100
        buy 5 @ 101 post_only           -> rest 5 @ 101, indicates 5 @ 100 +0
        phase continuous                -> continuous, cross 5 @ 100 from #2 to #3
    """,
    "self-trade prevention does not act in an uncross": """
        phase pre_open                  -> pre_open
        sell 5 @ 100 cancel_both        -> rest 5 @ 100
        buy 5 @ 100 cancel_both         -> rest 5 @ 100, indicates 5 @ 100 +0
        phase continuous                -> continuous, cross 5 @ 100 from #2 to #3
    """,
    "replace in an auction": """
        phase closing_auction           -> closing_auction
        buy 5 @ 100                     -> rest 5 @ 100
        buy 5 @ 100                     -> rest 5 @ 100
        replace #2 to 4 of 5 @ 100      -> #2 replaced 4 @ 100 kept
        sell 4 @ 100                    -> rest 4 @ 100, indicates 4 @ 100 +5
        replace #3 to 9 of 5 @ 100      -> #3 replaced 9 @ 100, #3 rest 9 @ 100, indicates 4 @ 100 +9
        replace #5 to 4 of 4 @ 99       -> #5 replaced 4 @ 99, #5 rest 4 @ 99
        replace #3 to 2 of 9 @ 120      -> #3 replaced 2 @ 120, #3 rest 2 @ 120, indicates 4 @ 100 +2
        sell 9 @ 130 stop=98            ->
        replace #9 to 9 of 9 @ 80 stop=120 -> #9 replaced 9 @ 80 stop 120
        phase closed                    -> closed, cross 2 @ 100 from #5 to #3, cross 2 @ 100 from #5 to #2
    """,
}
SCENARIOS = TAKING | TRANSITIONS | AUCTION_ORDERS | STOPS | INDICATED | RESTING


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    play(SCENARIOS[name])
