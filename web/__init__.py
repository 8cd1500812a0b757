"""The page of the exchange, and the small server that hands it out."""
