"""Streamlit's own scripts and styles, sent packed: it serves them as they are, and leaves packing to a proxy.

They are packed once, when first asked for, and kept: a browser's first visit to a page with charts loads a third of
the bytes. The largest one, of the charts, is also named to the browser with the page itself, so that it fetches and
prepares it while the page's first run goes on.
"""

import mimetypes
import re
from functools import cache
from pathlib import Path

import pyarrow as pa
import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import file_util

_BUNDLE = re.compile(r"/static/(?:js|css)/[\w.-]+\.(?:js|css)")
# Brotli, which browsers take from this machine and over https, saves a sixth more. Higher levels take ten seconds.
_LEVELS = {"br": ("brotli", 9), "gzip": ("gzip", 9)}
_EARLY = "PlotlyChart.*.js"
# Their names hold a hash of what is in them. The same words as Streamlit's.
_CACHED = "public, immutable, max-age=31536000"


class Bundles:
    """ASGI middleware: answers for the bundles if the browser takes gzip; all else it leaves to the app."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        headers = Request(scope).headers
        base = str(st.get_option("server.baseUrlPath")).strip("/")
        path = str(scope["path"]).removeprefix(f"/{base}" if base else "")
        coding = next((one for one in _LEVELS if one in headers.get("accept-encoding", "")), None)
        if coding is not None and _BUNDLE.fullmatch(path) and "range" not in headers:
            packed = await run_in_threadpool(_packed, path, coding)
            if packed is not None:
                await _response(path, coding, packed)(scope, receive, send)
                return
        await self.app(scope, receive, _naming(f"/{base}" if base else "", send))


@cache
def _packed(path: str, coding: str) -> bytes | None:
    """A bundle in a coding of HTTP; None if there is no such file."""
    file = Path(file_util.get_static_dir()) / path.removeprefix("/")
    if not file.is_file():
        return None
    codec, level = _LEVELS[coding]
    return bytes(pa.Codec(codec, compression_level=level).compress(file.read_bytes(), asbytes=True))


def _response(path: str, coding: str, packed: bytes) -> Response:
    return Response(
        packed,
        media_type=mimetypes.guess_type(path)[0],
        headers={
            "Content-Encoding": coding,
            "Cache-Control": _CACHED,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        },
    )


@cache
def _early(base: str) -> str:
    """The header that names the bundle of the charts; empty if this Streamlit has none of its name."""
    found = sorted((Path(file_util.get_static_dir()) / "static" / "js").glob(_EARLY))
    return ", ".join(f"<{base}/static/js/{file.name}>; rel=modulepreload" for file in found)


def _naming(base: str, send: Send) -> Send:
    """A `send` that adds the header to pages."""

    async def name(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html") and message["status"] == 200 and _early(base):
                headers.append("Link", _early(base))
        await send(message)

    return name
