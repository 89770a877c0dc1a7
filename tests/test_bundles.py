"""Streamlit's scripts and styles arrive packed, whole and to be kept, and the largest is named with the page."""

import asyncio
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

import httpx
import pyarrow as pa
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from streamlit import file_util

from leadlib.ui.bundles import Bundles

STATIC = Path(file_util.get_static_dir())
STYLE = next((STATIC / "static" / "css").glob("*.css"))


def ask(path: str, headers: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
    """The answer and its bytes as they came, from an app that answers everything itself with a page."""

    async def page(_: Request) -> Response:
        return HTMLResponse("<p>the app</p>")

    async def send() -> tuple[httpx.Response, bytes]:
        app = Starlette(routes=[Route("/{path:path}", page)], middleware=[Middleware(Bundles)])
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app.test") as client,
            client.stream("GET", path, headers=headers) as answer,
        ):
            return answer, b"".join([part async for part in answer.aiter_raw()])

    return asyncio.run(send())


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, deflate, br, zstd", "br"), ("gzip, deflate", "gzip")],
    ids=["from this machine or over https", "over http"],
)
def test_a_bundle_comes_packed_with_all_of_its_bytes_and_may_be_kept_for_ever(accepted: str, coding: str) -> None:
    answer, packed = ask(f"/static/css/{STYLE.name}", {"accept-encoding": accepted})
    whole = STYLE.read_bytes()
    size = len(whole)
    unpacked = (
        pa.Codec("brotli").decompress(packed, decompressed_size=size, asbytes=True)
        if coding == "br"
        else zlib.decompress(packed, wbits=31)
    )
    assert unpacked == whole
    assert len(packed) < size / 2
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == (coding, "Accept-Encoding")
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["cache-control"] == "public, immutable, max-age=31536000"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param(f"/static/css/{STYLE.name}", {"accept-encoding": "identity"}, id="a browser that cannot unpack"),
        pytest.param(f"/static/css/{STYLE.name}", {"accept-encoding": "gzip", "range": "bytes=0-9"}, id="a part of it"),
        pytest.param("/static/js/none.js", {"accept-encoding": "gzip"}, id="no such file"),
        pytest.param("/static/js/..%2f..%2findex.html", {"accept-encoding": "gzip"}, id="a way out of the folder"),
        pytest.param("/volume/static/css/x.css", {"accept-encoding": "gzip"}, id="below a page"),
    ],
)
def test_all_else_is_the_apps(path: str, headers: Mapping[str, str]) -> None:
    assert ask(path, headers)[1] == b"<p>the app</p>"


def test_a_page_names_the_bundle_of_the_charts_that_there_is() -> None:
    named = re.fullmatch(r"<(/static/js/PlotlyChart\.[\w-]+\.js)>; rel=modulepreload", ask("/", {})[0].headers["link"])
    assert named is not None
    assert (STATIC / named[1].removeprefix("/")).is_file()
