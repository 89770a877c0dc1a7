"""What the server does beside the pages: start and stop, health, downloads, and the portal's events.

The pages' script is leadlib/ui/shell.py; app.py puts both into one application.
"""

import asyncio
import gc
import logging
import secrets
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from leadlib.access import Access
from leadlib.config import load_settings
from leadlib.engine import Engine
from leadlib.errors import ExportLimitError, HostingError, LeadlibError
from leadlib.export import Ticket, export_on_record, file_name, format_named, limits_for, who_is, write_person
from leadlib.freshness import freshness
from leadlib.hosting import refusals
from leadlib.logs import set_up
from leadlib.monitoring import MetricsPort
from leadlib.places import Turn
from leadlib.store import Patience
from leadlib.ui import warming
from leadlib.ui.bundles import Bundles
from leadlib.ui.engine import get_engine
from leadlib.ui.gate import ACCESS, NO_DOWNLOAD, Gate
from leadlib.ui.patience import waiting
from leadlib.ui.serving import server
from leadlib.webhooks import Receiver

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 240.0
"""How long a download waits for those that were asked for before it."""

_LOOK_EVERY_S = 0.2
_MANY_FILES = (
    "Many files are being made at the moment, and this one did not come to its turn. Nothing is lost: go back to the "
    "page and start the download again."
)


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Opens the engine and starts its worker before the first page is asked for; closes both at the end.

    Raises HostingError, with which the server does not start, where others can reach it and it is not safe for that.
    """
    set_up_log()
    if broken := refusals(server()):
        for rule in broken:
            log.error("Refused to start: %s. %s", rule.name, rule.advice)
        # No page says so: a page that is served can be reached, and what is open concerns the operator alone.
        raise HostingError([rule.name for rule in broken])
    # The first visitor should wait for none of this, and what loads after the freeze would not be frozen.
    await run_in_threadpool(warming.load_all)
    monitored = None
    try:
        engine = await run_in_threadpool(get_engine)
        monitored = MetricsPort.open(engine)
        await run_in_threadpool(warming.ask_first, engine)
    except LeadlibError as error:
        # The page says what to do, which a server that refuses to start could not.
        log.error("%s: %s", error.title, error)
    gc.collect()
    # What is loaded by now stays: without it every rerun's collection would walk through all of pandas and Plotly.
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if monitored is not None:
            monitored.close()
        get_engine.clear()


def set_up_log() -> None:
    """The log in the form that the settings name; as text where they cannot be read, which the page then explains."""
    try:
        set_up(load_settings().log)
    except LeadlibError:
        set_up("text")


async def health(_: Request) -> Response:
    """GET /healthz: 200 with the data's age; 503 if it is stale (leadlib/freshness.py) or there is no usable store."""
    try:
        engine = await run_in_threadpool(get_engine)
        as_of = await run_in_threadpool(engine.store.as_of)
        now = datetime.now(UTC)
        age = await run_in_threadpool(freshness, engine.store, engine.settings.sync_minutes, now)
    except LeadlibError as error:
        return JSONResponse({"status": "unavailable", "error": type(error).__name__}, status_code=503)
    status = engine.worker.status
    word = "stale" if age.stale else "failing" if status.error else "ok"
    return JSONResponse(
        {
            "status": word,
            "as_of": as_of.isoformat() if as_of else None,
            "age_seconds": round((now - as_of).total_seconds()) if as_of else None,
            "background_sync": "on" if age.is_sync_on else "off",
            "stale": list(age.stale),
            "seconds_since": {
                kind: None if (since := age.age(kind)) is None else round(since.total_seconds()) for kind in age.limits
            },
            "seconds_allowed": {kind: round(limit.total_seconds()) for kind, limit in age.limits.items()},
            "is_syncing": status.is_running,
            "alarms": [alarm.kind for alarm in engine.store.alarms()],
        },
        status_code=503 if age.stale else 200,
    )


async def export(request: Request) -> Response:
    """GET /export/{ticket}: the file that a page has promised to this ticket's holder, built now and deleted after.

    The ticket, not the address, holds filters, columns and whose leads they are, so that editing an address widens
    nothing; and who has signed in as somebody else, or may see something else by now, has no use for it.
    """
    try:
        engine = await run_in_threadpool(get_engine)
    except LeadlibError as error:
        return _failure(error)
    ticket = engine.tickets.redeem(request.path_params["ticket"])
    if ticket is None or not _is_for(ticket.access, request.scope.get(ACCESS)):
        return PlainTextResponse(NO_DOWNLOAD, status_code=404)
    folder = tempfile.TemporaryDirectory(prefix="leadlight-")
    path = Path(folder.name) / "export"
    try:
        with engine.files.line_up(request.path_params["ticket"]) as turn:
            if not await _has_begun(turn, request):
                folder.cleanup()
                return PlainTextResponse(_MANY_FILES, status_code=503, headers={"Cache-Control": "no-store"})
            name = await _made_while_wanted(engine, ticket, path, request)
    except LeadlibError as error:
        folder.cleanup()
        return _failure(error)
    except BaseException:
        folder.cleanup()
        raise
    return _FileOnce(
        folder,
        path,
        media_type=format_named(ticket.fmt).media_type,
        filename=name,
        # Identity: compressing it a second time on the fly would cost more time than it saves.
        headers={
            "Cache-Control": "no-store",
            "Content-Encoding": "identity",
            "X-Content-Type-Options": "nosniff",
            "Accept-Ranges": "none",
        },
    )


async def _has_begun(turn: Turn, request: Request) -> bool:
    """Waits for the turn of a download; False if it takes too long, or the browser has gone away."""
    last_s = time.monotonic() + LONGEST_WAIT_S
    while not turn.has_begun:
        if time.monotonic() > last_s or await request.is_disconnected():
            return False
        await asyncio.sleep(_LOOK_EVERY_S)
    return True


async def _made_while_wanted(engine: Engine, ticket: Ticket, path: Path, request: Request) -> str:
    """Makes the file in another thread, for as long as the browser is there; the name to save it under."""
    is_gone = threading.Event()

    async def look() -> None:
        while not await request.is_disconnected():
            await asyncio.sleep(_LOOK_EVERY_S)
        is_gone.set()

    looking = asyncio.create_task(look())
    try:
        with waiting(Patience(is_gone=is_gone.is_set)):
            return await run_in_threadpool(_make_file, engine, ticket, path, str(request.base_url))
    finally:
        looking.cancel()


def _make_file(engine: Engine, ticket: Ticket, path: Path, site: str) -> str:
    """Writes what the ticket promises, and gives the name that a browser is to save it under."""
    who, limits = who_is(ticket.access), limits_for(ticket.access)
    if ticket.person is not None:
        n_leads = write_person(engine.store, ticket.person, path, who=who, reason=ticket.reason, limits=limits)
        log.info("export: one person, %d leads", n_leads)
        return f"leadlight-person-{secrets.token_hex(6)}.json"
    result = export_on_record(
        engine.store,
        engine.store_for(ticket.access),
        ticket.filters,
        ticket.fmt,
        path,
        who=who,
        reason=ticket.reason,
        limits=limits,
        personal=ticket.personal,
        site=site,
    )
    log.info("export: %s, %d rows, personal columns: %s", ticket.fmt, result.rows, ticket.personal)
    return file_name(ticket.filters, ticket.fmt, result.as_of and result.as_of.astimezone(engine.store.timezone))


def _is_for(asked: Access, redeems: Access | None) -> bool:
    return redeems is not None and (asked.email, asked.key) == (redeems.email, redeems.key)


def _failure(error: LeadlibError) -> Response:
    status = 429 if isinstance(error, ExportLimitError) else 500
    return PlainTextResponse(f"{error.title}. {error}", status_code=status, headers={"Cache-Control": "no-store"})


class _FileOnce(FileResponse):
    """A file that is sent whole, and gone with its folder however the sending ends."""

    def __init__(self, folder: tempfile.TemporaryDirectory[str], path: Path, **options: Any) -> None:
        super().__init__(path, **options)
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Each request builds the file anew from data that moves on: parts of two files would not fit together.
        headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
        try:
            await super().__call__({**scope, "headers": headers}, receive, send)
        finally:
            self._folder.cleanup()


_receiver = Receiver()


async def webhook(request: Request) -> Response:
    """POST /webhooks/leads: an event of the portal, kept before it is answered; no page and no sync waits for it.

    200 once it is safe on the disk, 401 unless it is signed with our secret, 413 above 256 KiB, 503 if it cannot be
    kept or no secret is set.
    """
    signatures = request.headers.getlist("x-signature")
    signature = signatures[0].encode("latin-1") if len(signatures) == 1 else None
    receipt = await _receiver.receive(request.stream(), request.headers.get("content-length"), signature)
    # What was not read is not wanted either: the server would otherwise wait for the end of it.
    headers = {"Connection": "close"} if receipt.status == 413 else {}
    return PlainTextResponse(receipt.text, status_code=receipt.status, headers=headers)


ROUTES = [
    Route("/healthz", health, methods=["GET"]),
    Route("/export/{ticket}", export, methods=["GET"]),
    Route("/webhooks/leads", webhook, methods=["POST"]),
]
MIDDLEWARE = [Middleware(Gate), Middleware(Bundles)]
