"""Who is connected: from the server's events, and from its list of connections, which says what an event did not.

Ends connections too. Whatever follows from an account's last connection being gone is `on_gone`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Final, NamedTuple

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from exchange.permissions import account_of, is_guest
from exchange.server import APP

EVENTS: Final = f"$SYS.ACCOUNT.{APP}."
LIST: Final = "$SYS.REQ.SERVER.PING.CONNZ"
PAGE: Final = 1_024
"""Connections in one answer of the server."""
PAGES_MAX: Final = 64
LIST_OF: Final = "$SYS.REQ.SERVER.{}.CONNZ"
STATISTICS: Final = "$SYS.REQ.SERVER.{}.STATSZ"
LOOK_SECONDS: Final = 0.5
"""How often the list is looked at, for what the events did not say and for who takes too much (see greed.py) …"""
GLANCE_SECONDS: Final = 0.05
"""… and how often all that is sent is counted: a list follows at once when there are many messages or bytes …"""
GLANCE_MESSAGES_PER_SECOND: Final = 5_000
GLANCE_BYTES_PER_SECOND: Final = 16 * 1024 * 1024
LISTED_SECONDS: Final = 0.000_02
"""… unless that, so long for each connection, …"""
LOOK_SHARE_MAX: Final = 0.05
"""… would take more than this share of the time. Not measured: a flood makes it long, when it matters most."""
ANSWER_SECONDS_MAX: Final = 2.0
OTHERS_SECONDS_MAX: Final = 0.25
"""How much later than the first server the others of a cluster may answer, to be looked at this time."""
SERVER_GRACE_SECONDS: Final = 10.0
"""A server that is silent for this long has ended, or has another name now: by then its clients are connected anew."""
GONE_REMEMBERED_MAX: Final = 10_000

logger = logging.getLogger(__name__)


class Connection(NamedTuple):
    """One connection of a guest or a log-in; those of the market's own processes are not of interest."""

    server: str
    id: int
    login: str
    credential: str
    """Id of the key or session it was made with; empty for a guest, PASSWORD for the operator's."""
    address: str

    @property
    def place(self) -> tuple[str, int]:
        """Names it."""
        return (self.server, self.id)


PASSWORD: Final = "password"


def user_name(login: str, credential: str) -> str:
    """What the server calls a connection, in a signed token: it comes back in events and lists."""
    return f"{login}#{credential}" if credential else login


class Usage(msgspec.Struct, frozen=True):
    """One connection in the server's list: what it has sent, and what waits to be read by it."""

    cid: int
    ip: str = ""
    authorized_user: str = ""
    in_msgs: int = 0
    in_bytes: int = 0
    pending_bytes: int = 0
    subscriptions: int = 0


class _Client(msgspec.Struct, frozen=True):
    id: int
    user: str = ""
    host: str = ""


class _Server(msgspec.Struct, frozen=True):
    id: str


class _Received(msgspec.Struct, frozen=True):
    msgs: int = 0
    bytes: int = 0


class _Counts(msgspec.Struct, frozen=True):
    received: _Received = _Received()


class _Statistics(msgspec.Struct, frozen=True):
    statsz: _Counts


class _Event(msgspec.Struct, frozen=True):
    server: _Server
    client: _Client


class _Page(msgspec.Struct, frozen=True):
    total: int = 0
    connections: list[Usage] = []


class _List(msgspec.Struct, frozen=True):
    server: _Server
    data: _Page


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_statistics = msgspec.json.Decoder(_Statistics).decode
_decode_list = msgspec.json.Decoder(_List).decode


def _question(page: int) -> bytes:
    return msgspec.json.encode({"acc": APP, "auth": True, "sort": "cid", "limit": PAGE, "offset": page * PAGE})


def connection_of(server: str, id: int, user: str, address: str) -> Connection | None:
    """A connection by the server's words; None for one of the market's own processes."""
    login, separator, credential = user.partition("#")
    return Connection(server, id, login, credential, address) if separator or is_guest(user) else None


class Connections:
    """What is known. Pure: who came, who went, and which accounts have nobody left."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, int], Connection] = {}
        self._by_login: defaultdict[str, set[Connection]] = defaultdict(set)
        self._by_account: Counter[str] = Counter()
        self._by_address: Counter[str] = Counter()
        self._gone: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._missing: set[tuple[str, int]] = set()
        """Not in the list when it was last looked at."""

    def of(self, login: str) -> list[Connection]:
        """A log-in's connections."""
        return list(self._by_login.get(login, ()))

    def logins(self) -> list[str]:
        """Whoever is connected, without guests."""
        return [login for login in self._by_login if not is_guest(login)]

    def at(self, address: str) -> int:
        """How many come from an address."""
        return self._by_address[address]

    @property
    def guests(self) -> int:
        """How many are nobody's."""
        return self._by_account[""]

    def add(self, connection: Connection) -> None:
        """Somebody came."""
        if connection.place in self._all or connection.place in self._gone:
            return
        self._all[connection.place] = connection
        self._by_login[connection.login].add(connection)
        self._by_account[_account(connection)] += 1
        self._by_address[connection.address] += 1

    def remove(self, place: tuple[str, int]) -> str | None:
        """Somebody went; the account if that was its last connection."""
        self._gone[place] = None
        if len(self._gone) > GONE_REMEMBERED_MAX:
            self._gone.popitem(last=False)
        connection = self._all.pop(place, None)
        if connection is None:
            return None
        self._by_login[connection.login].discard(connection)
        if not self._by_login[connection.login]:
            del self._by_login[connection.login]
        account = _account(connection)
        self._by_account[account] -= 1
        self._by_address[connection.address] -= 1
        for counter, key in ((self._by_account, account), (self._by_address, connection.address)):
            if not counter[key]:
                del counter[key]
        return account if account and not self._by_account[account] else None

    def compare(self, server: str, listed: Iterable[Connection]) -> list[str]:
        """Take over a server's list. Accounts with nobody left: what is missing twice in a row is gone, an event was lost."""
        present = set()
        for connection in listed:
            present.add(connection.place)
            self.add(connection)
        missing = {place for place in self._all if place not in present and place[0] == server}
        accounts = [self.remove(place) for place in missing & self._missing]
        self._missing = {place for place in self._missing if place[0] != server} | missing
        return [account for account in accounts if account is not None]

    def keep(self, servers: Collection[str]) -> list[str]:
        """Whatever was connected to other servers than these is gone with them. Accounts with nobody left."""
        accounts = [self.remove(place) for place in list(self._all) if place[0] not in servers]
        return [account for account in accounts if account is not None]


def _account(connection: Connection) -> str:
    return "" if is_guest(connection.login) else account_of(connection.login)


async def _ignore(*_: object) -> None:
    pass


class Presence:
    """Keeps `connections` true, over a connection of the server's system account. Its hooks do nothing until they are set."""

    def __init__(self, system: Client) -> None:
        self.connections = Connections()
        self.on_connected: Callable[[Connection], Awaitable[None]] = _ignore
        """Told of everybody who comes."""
        self.on_gone: Callable[[str], Awaitable[None]] = _ignore
        """Told of an account whose last connection has closed, or got lost. What becomes of its orders is decided there."""
        self.on_look: Callable[[str, list[Usage]], Awaitable[None]] = _ignore
        """Told of a server's name and its list, whenever it was looked at."""
        self._system = system
        self._servers: dict[str, float] = {}
        """Name of each, and when it answered last."""
        self._pages: dict[str, _Page] = {}
        """What they have answered to the question of this look."""
        self._answered = asyncio.Event()
        self._inbox = system.new_inbox()
        self._received = _Received()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """From here on it knows."""
        await self._system.subscribe(EVENTS + "CONNECT", cb=self._connected)
        await self._system.subscribe(EVENTS + "DISCONNECT", cb=self._disconnected)
        await self._system.subscribe(self._inbox, cb=self._listed)
        await self._system.flush()
        self._task = asyncio.create_task(self._keep_looking())

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def kick(self, connection: Connection) -> None:
        """End a connection. A client that reconnects must log in again, so whoever calls this has changed what it may first."""
        with contextlib.suppress(nats.errors.Error):
            subject = f"$SYS.REQ.SERVER.{connection.server}.KICK"
            await self._system.request(subject, msgspec.json.encode({"cid": connection.id}), timeout=ANSWER_SECONDS_MAX)

    async def kick_all(self, login: str, keep: Callable[[Connection], bool] = lambda _: False) -> int:
        """End a log-in's connections but those to `keep`; how many."""
        ending = [connection for connection in self.connections.of(login) if not keep(connection)]
        await asyncio.gather(*map(self.kick, ending))
        return len(ending)

    async def look(self) -> int:
        """Compare with the servers' lists; how many connections are in them. Raises nats.errors.Error."""
        lists = await self._lists()
        for server, listed in lists.items():
            known = [connection_of(server, usage.cid, usage.authorized_user, usage.ip) for usage in listed]
            for account in self.connections.compare(server, filter(None, known)):
                await self.on_gone(account)
            await self.on_look(server, listed)
        since = asyncio.get_running_loop().time() - SERVER_GRACE_SECONDS
        self._servers = {server: answered for server, answered in self._servers.items() if answered > since}
        for account in self.connections.keep(self._servers):
            await self.on_gone(account)
        return sum(map(len, lists.values()))

    async def _lists(self) -> dict[str, list[Usage]]:
        """Of all servers that answer."""
        self._pages = {}
        await self._system.publish(LIST, _question(0), self._inbox)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS_MAX) as patience:
                while not self._pages or self._servers.keys() - self._pages.keys():
                    self._answered.clear()
                    await self._answered.wait()
                    patience.reschedule(asyncio.get_running_loop().time() + OTHERS_SECONDS_MAX)
        if not self._pages:
            raise nats.errors.TimeoutError
        return {server: await self._all_pages(server, page) for server, page in dict(self._pages).items()}

    async def _listed(self, message: Msg) -> None:
        if message.data:  # Without data it is the server, saying that nobody is there.
            listed = _decode_list(message.data)
            self._servers[listed.server.id] = asyncio.get_running_loop().time()
            self._pages[listed.server.id] = listed.data
            self._answered.set()

    async def _all_pages(self, server: str, page: _Page) -> list[Usage]:
        found = {usage.cid: usage for usage in page.connections}
        for number in range(1, PAGES_MAX):
            if number * PAGE >= page.total:
                break
            answer = await self._system.request(LIST_OF.format(server), _question(number), timeout=ANSWER_SECONDS_MAX)
            page = _decode_list(answer.data).data
            found |= {usage.cid: usage for usage in page.connections}
        return list(found.values())

    async def _keep_looking(self) -> None:
        clock = asyncio.get_running_loop().time
        looked, pause = -LOOK_SECONDS, 0.0
        while True:
            try:
                busy = await self._glance(GLANCE_SECONDS)
                if clock() - looked >= (pause if busy else max(LOOK_SECONDS, pause)):
                    pause = await self.look() * LISTED_SECONDS / LOOK_SHARE_MAX
                    looked = clock()
            except (nats.errors.Error, msgspec.MsgspecError) as error:
                logger.warning("the server's connections could not be listed: %s", error or type(error).__name__)
                await asyncio.sleep(LOOK_SECONDS)
            except Exception:
                logger.exception("the server's connections could not be looked at")

    async def _glance(self, seconds: float) -> bool:
        """Wait a moment; whether the servers took many messages or bytes in it."""
        await asyncio.sleep(seconds)
        counts, before = await asyncio.gather(*map(self._count, self._servers)), self._received
        received = self._received = _Received(sum(count.msgs for count in counts), sum(count.bytes for count in counts))
        if received.msgs - before.msgs > GLANCE_MESSAGES_PER_SECOND * seconds:
            return True
        return received.bytes - before.bytes > GLANCE_BYTES_PER_SECOND * seconds

    async def _count(self, server: str) -> _Received:
        """What a server has taken; nothing if it does not answer."""
        try:
            answer = await self._system.request(STATISTICS.format(server), b"", timeout=ANSWER_SECONDS_MAX)
        except (nats.errors.NoRespondersError, nats.errors.TimeoutError):
            return _Received()
        return _decode_statistics(answer.data).statsz.received

    async def _connected(self, message: Msg) -> None:
        event = _decode_event(message.data)
        connection = connection_of(event.server.id, event.client.id, event.client.user, event.client.host)
        if connection is not None:
            self.connections.add(connection)
            await self.on_connected(connection)

    async def _disconnected(self, message: Msg) -> None:
        event = _decode_event(message.data)
        account = self.connections.remove((event.server.id, event.client.id))
        if account is not None:
            await self.on_gone(account)
