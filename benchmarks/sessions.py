"""Sessions of a running app as browsers hold them, over its real WebSocket: what they ask, how long answers take."""

import asyncio
import random
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

LONGEST_RUN_S = 120.0
_ERRORS = ("exception", "alert")
_DOWNLOAD = re.compile(r'<a href="(/export/[^"]+)"[^>]*>([^<]+)</a>')


@dataclass
class Asked:
    """One run of the page that somebody asked for: what for, how long until all of it was here, how many bytes."""

    what: str
    ms: float
    n_bytes: int
    is_error: bool


@dataclass
class Session:
    """One browser tab. Its widgets are what the server has shown; parts that redraw themselves are asked for, too."""

    connection: ClientConnection
    asked: list[Asked] = field(default_factory=list)
    _lists: dict[str, tuple[str, list[str]]] = field(default_factory=dict)  # of a multiselect: id and options by label
    _pages: dict[str, str] = field(default_factory=dict)
    _popovers: dict[str, str] = field(default_factory=dict)
    _links: dict[str, str] = field(default_factory=dict)
    _chosen: dict[str, list[str]] = field(default_factory=dict)
    _opened: set[str] = field(default_factory=set)
    _page: str = ""
    _parts: dict[str, float] = field(default_factory=dict)
    _kept: set[str] = field(default_factory=set)
    _is_over: asyncio.Event = field(default_factory=asyncio.Event)
    _errors: int = 0
    _bytes: int = 0

    async def run(self, what: str) -> Asked:
        """Runs the page once, as a click does, and waits until the server has sent all of it."""
        self._is_over.clear()
        self._parts.clear()
        self._errors = self._bytes = 0
        began = time.perf_counter()
        await self.connection.send(self._request().SerializeToString())
        try:
            await asyncio.wait_for(self._is_over.wait(), LONGEST_RUN_S)
        except TimeoutError:
            self._errors += 1
        one = Asked(what, (time.perf_counter() - began) * 1000, self._bytes, self._errors > 0)
        self.asked.append(one)
        return one

    async def choose(self, label: str, values: list[str]) -> Asked:
        """Chooses in the list of this label."""
        self._chosen[self._lists[label][0]] = values
        return await self.run(f"choose {label}")

    async def clear(self) -> Asked:
        """Takes all choices back."""
        self._chosen.clear()
        return await self.run("clear")

    async def go_to(self, page: str) -> Asked:
        """Follows the menu to a page, by the path of its address."""
        self._page = self._pages[page]
        return await self.run(f"page {page or 'overview'}")

    async def download(self, label: str) -> str:
        """Opens the list of downloads and gives the path of the link of this label."""
        self._opened.add(self._popovers["Download these leads"])
        await self.run("downloads")
        return self._links[label]

    def options(self, label: str) -> list[str]:
        return self._lists[label][1]

    async def listen(self) -> None:
        """Takes what the server sends, to the end of the connection."""
        async for data in self.connection:
            message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
            self._bytes += len(data)
            self._take(message)

    async def redraw_parts(self) -> None:
        """Asks for the parts that want to be redrawn, each at its interval."""
        due: dict[str, float] = {}
        while True:
            await asyncio.sleep(1)
            for part, interval_s in list(self._parts.items()):
                if time.monotonic() >= due.setdefault(part, time.monotonic() + interval_s):
                    due[part] = time.monotonic() + interval_s
                    await self.connection.send(self._request(part).SerializeToString())

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if message.metadata.cacheable:
            self._kept.add(message.hash)
        if kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            self._is_over.set()
        elif kind == "auto_rerun":
            self._parts[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "navigation":
            self._pages = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            if element.WhichOneof("type") == "multiselect":
                self._lists[element.multiselect.label] = (element.multiselect.id, list(element.multiselect.options))
            elif element.WhichOneof("type") == "html":
                self._links |= {label: path for path, label in _DOWNLOAD.findall(element.html.body)}
            self._errors += element.WhichOneof("type") in _ERRORS
        elif kind == "delta" and message.delta.add_block.WhichOneof("type") == "popover":
            self._popovers[message.delta.add_block.popover.label] = message.delta.add_block.popover.id

    def _request(self, part: str = "") -> BackMsg:
        request = BackMsg()
        state = request.rerun_script
        state.page_script_hash = self._page
        state.fragment_id = part
        state.is_auto_rerun = bool(part)
        state.cached_message_hashes.extend(self._kept)
        for widget_id, values in self._chosen.items():
            chosen = WidgetState(id=widget_id)
            chosen.string_array_value.data.extend(values)
            state.widget_states.widgets.append(chosen)
        for widget_id in self._opened:
            state.widget_states.widgets.append(WidgetState(id=widget_id, bool_value=True))
        return request


async def open_session(url: str) -> tuple[Session, list["asyncio.Task[None]"]]:
    """A session whose first page has arrived, and the tasks that belong to it. Its first run is in `asked`."""
    host = urlsplit(url).netloc
    connection = await connect(
        f"ws://{host}/_stcore/stream",
        subprotocols=["streamlit"],  # type: ignore[list-item]  # a new type for text
        origin=f"http://{host}",  # type: ignore[arg-type]  # the same
        max_size=None,
        compression=None,
    )
    session = Session(connection)
    tasks = [asyncio.create_task(session.listen())]
    await session.run("open")
    tasks.append(asyncio.create_task(session.redraw_parts()))
    return session, tasks


async def close(session: Session, tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await session.connection.close()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task


_SEEDS: Iterator[int] = count()


async def use(session: Session, seconds: float, think_s: float) -> None:
    """What a manager does: chooses a channel or an agent, clears it, turns to another page, and thinks in between."""
    dice = random.Random(next(_SEEDS))  # the same clicks at each run
    until = time.monotonic() + seconds
    await asyncio.sleep(dice.uniform(0, think_s))
    while time.monotonic() < until:
        what = dice.choices(("channel", "agent", "clear", "page"), (35, 25, 20, 20))[0]
        if what == "channel":
            await session.choose("Channel", [dice.choice(session.options("Channel"))])
        elif what == "agent":
            await session.choose("Assigned agent", [dice.choice(session.options("Assigned agent"))])
        elif what == "clear":
            await session.clear()
        else:
            await session.go_to(dice.choice(("", "volume", "funnel", "agents")))
        await asyncio.sleep(dice.expovariate(1 / think_s) if think_s else 0)


def quantiles(asked: list[Asked]) -> Mapping[str, float]:
    """Median, 95th percentile and the worst of some runs, in milliseconds."""
    times = sorted(one.ms for one in asked)
    return {"p50": times[len(times) // 2], "p95": times[min(len(times) - 1, int(len(times) * 0.95))], "max": times[-1]}
