"""The ledger: gate and bookkeeper (`stage`), its history (`historian`) and the accounts' credentials (`auth`)."""
