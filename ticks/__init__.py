"""Public data: everything about the market that names no account. `feed` folds the engines' events, `channels` says what is
published of it, `store` keeps trades and candles, `answers` answers questions."""
