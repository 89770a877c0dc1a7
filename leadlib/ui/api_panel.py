"""The exact API call behind the current filters, copyable, and what of them has to be done here."""

import math

import streamlit as st

from leadlib.api import MAX_PER_PAGE, leads_query, leads_url
from leadlib.config import PRODUCTION_URL
from leadlib.filters import Filters, field_named, to_where, written_out
from leadlib.metrics import summary
from leadlib.ui.engine import load, request_sync
from leadlib.ui.text import plain
from leadlib.ui.view import View
from leadlib.worker import Wish

API_CALL = "api_call"
"""The key of the panel, whose state says whether it is open."""


def draw(view: View) -> None:
    """The panel in the sidebar: call, curl, httpx, SQL, the calls it costs, and “Fetch this view now” for who may."""
    panel = st.expander("The exact API call", icon=":material/api:", key=API_CALL, on_change="rerun")
    # Its code needs half a megabyte of scripts for its colours, which few visitors want to see.
    if panel.open:
        with panel:
            _draw_call(view)


def _draw_call(view: View) -> None:
    engine, filters = view.engine, view.filters
    query = leads_query(filters, engine.dialect, view.store.timezone)
    # The built-in sandbox listens on a port of the day; what a reader can reuse is the portal's own address.
    base_url = PRODUCTION_URL if engine.is_sandbox else engine.settings.api_url
    params = list(query.params)
    url = leads_url(base_url, params)
    st.code(f"GET {url}", language="http", wrap_lines=True)
    for key, reason in query.here:
        plain(f"{field_named(key).label} is filtered here: {reason}")
    if not query.here:
        plain("The API filters all of it.")
    # What the API cannot filter by it returns whole, so those filters do not make the call cheaper.
    asked = Filters(tuple(item for item in filters.selected if item[0] not in dict(query.here)))
    n_calls = max(1, math.ceil(int(load(summary, asked)["leads"].iloc[0]) / MAX_PER_PAGE))
    plain(f"About {n_calls:,} call{'s' if n_calls > 1 else ''} of at most {MAX_PER_PAGE} leads.")
    curl, python, sql = st.tabs(["curl", "httpx", "SQL"])
    curl.code(f"curl '{url}' \\\n  -H \"Authorization: Bearer $TOKEN\"", language="bash", wrap_lines=True)
    python.code(_httpx_text(base_url, params), language="python", wrap_lines=True)
    sql.code(_sql_text(view), language="sql", wrap_lines=True)
    if view.access.may_sync:
        st.button(
            "Fetch this view now",
            on_click=request_sync,
            args=(engine, Wish(filters=filters)),
            width="stretch",
            icon=":material/sync:",
            help="Runs this call now and stores what comes. It counts as coverage of nothing else.",
        )


def _httpx_text(base_url: str, params: list[tuple[str, str]]) -> str:
    listed = "".join(f"        ({name!r}, {value!r}),\n" for name, value in params)
    return (
        "import httpx\n\nresponse = httpx.get(\n"
        f"    {base_url + '/v1/leads'!r},\n    params=[\n{listed}    ],\n"
        '    headers={"Authorization": f"Bearer {token}"},\n)'
    )


def _sql_text(view: View) -> str:
    condition, bound = to_where(view.filters, view.store.timezone)
    # Lines are broken before the values go in: a value may hold an "and" of its own.
    lines = condition.replace(" and ", "\n  and ")
    filled = written_out(lines, bound)
    return f"select *\nfrom leads\nwhere {filled}\norder by created_at desc"
