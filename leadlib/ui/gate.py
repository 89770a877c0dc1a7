"""The gate before every request: what needs a sign-in is not answered without one, and a shared link survives it."""

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from leadlib.access import LOCAL, Access
from leadlib.engine import Engine
from leadlib.errors import AccessError, LeadlibError
from leadlib.filters import Filters, to_address
from leadlib.ui import sign_in
from leadlib.ui.engine import access_by, get_engine

log = logging.getLogger(__name__)

ACCESS = "leadlight.access"
"""Under this name a guarded request's scope holds the Access of who sent it."""

NO_DOWNLOAD = "This download has expired. Go back to the page and start it again."
"""What stands for a download that is not there, or not for whoever asks."""

RETURN_TO = "leadlight_return_to"
_RETURN_WITHIN_S = 600
_LONGEST_RETURN = 2_000

GUEST_PATH = "/g/"
"""Before the key in the address of a guest link."""

_KEY = re.compile(r"[A-Za-z0-9_-]{22}")
_OF_A_LINK = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

_GUARDED = ("/export/", "/media/")
# Streamlit answers these for anybody: figures of the server, and the app without a browser.
_BLOCKED = ("/_stcore/metrics", "/_stcore/agent")
_NO_PAGES = (
    *("/_stcore/", "/static/", "/media/", "/component/", "/app/static/", "/auth/", "/oauth2callback"),
    *("/export/", "/healthz", "/webhooks/"),
)


class Gate:
    """ASGI middleware. Where nobody signs in it only blocks what nobody should ask for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = str(scope["path"])
        if path.startswith(_BLOCKED):
            await PlainTextResponse("Not found", status_code=404)(scope, receive, send)
            return
        if path.startswith(GUEST_PATH):
            response = await run_in_threadpool(_enter_by_link, scope, path.removeprefix(GUEST_PATH))
            await response(scope, receive, send)
            return
        is_page = _is_page(scope, path)
        if not is_page and not path.startswith(_GUARDED):
            await self.app(scope, receive, send)
            return
        try:
            engine = await run_in_threadpool(get_engine)
        except LeadlibError:
            # Pages and downloads say what is wrong, and have nothing else to give then.
            refusal = PlainTextResponse("This app could not be opened.", status_code=503)
            await (refusal if path.startswith("/media/") else self.app)(scope, receive, send)
            return
        access = _access(engine, scope)
        if is_page:
            await self._page(engine, access, scope, receive, send)
        elif access is None:
            log.info("refused without a sign-in: %s", path.split("/")[1])
            # A download that is somebody else's is not there at all: nobody learns that an address was a good one.
            is_download = path.startswith("/export/")
            words, status = (NO_DOWNLOAD, 404) if is_download else ("Sign in first.", 401)
            await PlainTextResponse(words, status_code=status)(scope, receive, send)
        else:
            await self.app({**scope, ACCESS: access}, receive, send)

    async def _page(self, engine: Engine, access: Access | None, scope: Scope, receive: Receive, send: Send) -> None:
        if not engine.providers:
            await self.app(scope, receive, send)
            return
        here = _address(scope)
        kept = unquote(Request(scope).cookies.get(RETURN_TO, ""))
        if access is not None and access.role == "guest":
            await self.app(scope, receive, send)
        elif access is None and here != "/" and _is_ours(here):
            await self.app(scope, receive, _keeping(here, scope, send))
        elif access is not None and here == "/" and _is_ours(kept):
            # The provider sends everybody back to the bare address.
            response: Response = RedirectResponse(kept, status_code=302)
            response.delete_cookie(RETURN_TO)
            await response(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _access(engine: Engine, scope: Scope) -> Access | None:
    """What the sender of a request may, by their session's cookie; None without one that holds."""
    if not engine.providers:
        return LOCAL
    try:
        return access_by(engine, _claims(scope), Request(scope).cookies.get(sign_in.GUEST_COOKIE, ""))
    except AccessError:
        return None


def _enter_by_link(scope: Scope, key: str) -> Response:
    """What the address of a guest link answers: the page, with the key in a cookie and no longer in the address.

    Whoever has signed in gets the same page and filters, as their own rights allow. A link that opens nothing is
    answered in the same way: the page says so.
    """
    try:
        engine = get_engine()
    except LeadlibError:
        return RedirectResponse("/", status_code=303)
    link, now = engine.store.guest_links.opened_by(key), datetime.now(UTC)
    settings = {} if link is None else link.offer.settings
    try:
        if engine.providers:
            sign_in.access_of(_claims(scope), engine.settings.people, now)
    except AccessError:
        response = RedirectResponse(f"/{to_address(Filters(), settings)}", status_code=303, headers=_OF_A_LINK)
        if _KEY.fullmatch(key):
            is_open = link is not None and link.is_open(now)
            response.set_cookie(
                sign_in.GUEST_COOKIE,
                key,
                max_age=int((link.expires_at - now).total_seconds()) if link and is_open else _RETURN_WITHIN_S,
                secure=scope["scheme"] == "https",
                httponly=True,
                samesite="lax",
            )
        return response
    if link is None or not link.is_open(now):
        return RedirectResponse("/", status_code=303, headers=_OF_A_LINK)
    # The screen of the bare address has no path of its own.
    page = "" if link.offer.pages[0] == "overview" else link.offer.pages[0]
    address = f"/{page}{to_address(link.offer.filters, settings)}"
    return RedirectResponse(address, status_code=303, headers=_OF_A_LINK)


def _claims(scope: Scope) -> Mapping[str, object]:
    # Streamlit has no public function for it; a test in a browser fails should this one go.
    signed = _get_signed_cookie_with_chunks(Request(scope).cookies, USER_COOKIE_NAME)
    try:
        claims = json.loads(signed or b"{}")
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _is_page(scope: Scope, path: str) -> bool:
    """True for what a browser asks for when somebody opens an address."""
    accepted = Request(scope).headers.get("accept", "")
    return scope["method"] == "GET" and "text/html" in accepted and not path.startswith(_NO_PAGES)


def _address(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return quote(str(scope["path"])) + (f"?{query}" if query else "")


def _is_ours(address: str) -> bool:
    """True for a path below this host: two slashes, or one turned round, would lead a browser to another one."""
    begins_well = address.startswith("/") and not address.startswith(("//", "/\\"))
    return begins_well and len(address) <= _LONGEST_RETURN and address.isascii() and address.isprintable()


def _keeping(address: str, scope: Scope, send: Send) -> Send:
    """A `send` that has the browser remember where it wanted to go."""
    cookie = f"{RETURN_TO}={quote(address, safe='')}; Path=/; Max-Age={_RETURN_WITHIN_S}; HttpOnly; SameSite=Lax"

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("set-cookie", cookie + ("; Secure" * (scope["scheme"] == "https")))
        await send(message)

    return keep
