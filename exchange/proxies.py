"""Addresses that say nothing about who it is, because everybody behind a reverse proxy has them."""

from __future__ import annotations

import os
from ipaddress import ip_address, ip_network
from typing import Final

PROXIES_VARIABLE: Final = "EXCHANGE_PROXIES"
"""Networks of reverse proxies on other machines, with commas between them: `10.0.0.0/16`."""


class Shared:
    """This machine's own addresses, and networks."""

    def __init__(self, networks: str) -> None:
        """Raises ValueError for what is no network."""
        self._networks = [ip_network(network.strip()) for network in networks.split(",") if network.strip()]

    def __contains__(self, address: str) -> bool:
        if address in ("127.0.0.1", "::1", ""):
            return True
        try:
            return bool(self._networks) and any(ip_address(address) in network for network in self._networks)
        except ValueError:
            return False


SHARED: Final = Shared(os.environ.get(PROXIES_VARIABLE, ""))
