"""The address bar: it always holds what the screen shows, and opening it anywhere restores that.

Widgets are not bound to parameters by Streamlit itself, because a bound widget writes its option labels, which may be
names, into the address, and drops a value it does not know without a word (docs/decisions/0003).
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import streamlit as st

from leadlib.errors import FilterError
from leadlib.filters import FIELDS, LINK_VERSION, Filters, filters_from_query, to_query
from leadlib.metrics import CLOCKS, SLA_MINUTES
from leadlib.notebooks import BUILTIN, is_name

_VERSION_KEY = "v"


@dataclass(frozen=True)
class Param:
    """A setting of a page that a link carries beside the filters.

    Without `options` it is a day or none, the name of a notebook, or any whole number from 1.
    """

    key: str
    default: str
    options: tuple[str, ...] = ()
    is_day: bool = False
    is_notebook: bool = False

    def state_of(self, text: str) -> str | date | None:
        """What the widget holds for the link's text."""
        return text if not self.is_day else date.fromisoformat(text) if text else None


PARAMS: tuple[Param, ...] = (
    Param("grain", "day", ("hour", "day", "week", "month")),
    Param("compare", "previous", ("previous", "weekdays", "week", "month")),
    Param("by", "channel", ("channel", "entity_type", "stage", "agent")),
    Param("sort", "newest", ("newest", "oldest", "longest_waiting")),
    Param("queue", "repeat", ("repeat", "due", "chance", "oldest")),
    Param("mix", "raw", ("raw", "like_for_like")),
    Param("clock", "wall", CLOCKS),
    Param("within", "60", tuple(map(str, SLA_MINUTES.values()))),
    Param("league", "listing", ("listing", "project", "developer")),
    Param("change", "moments", ("moments", "periods")),
    Param("figure", "leads", ("leads", "response_rate", "response_rate_of_all")),
    Param("then", "", is_day=True),
    Param("now", "", is_day=True),
    Param("period", "all", ("all", "7", "30", "90")),
    Param("split", "channel", ("channel", "entity_type", "agent")),
    Param("notebook", BUILTIN[0].name, is_notebook=True),
    Param("p", "1"),
)


def filter_key(key: str) -> str:
    """The session's name for a filter's widget."""
    return f"filter_{key}"


def param_key(key: str) -> str:
    """The session's name for a page setting's widget."""
    return f"param_{key}"


def restore(page: str) -> list[str]:
    """Fills the widgets' state from the address where the address is news, and says what in it made no sense.

    It is news at the first run of a session, and when it differs from what was last written although no widget was
    touched and the page is the same: the Back button. In a rerun that a widget caused the widget wins, since the
    browser may still show the address of the run before.
    """
    state = st.session_state
    query = {key: st.query_params.get_all(key) for key in st.query_params}
    is_first = "link_written" not in state
    is_back = (
        not is_first
        and query != state["link_written"]
        and page == state["link_page"]
        and _touched() == state["link_touched"]
    )
    for param in PARAMS:
        # A page's own widgets vanish with the page; this keeps their choice for the return.
        state[param_key(param.key)] = state.get(param_key(param.key), param.state_of(param.default))
    if is_first or is_back:
        problems = put_query(query)
        if query.get(_VERSION_KEY, [LINK_VERSION]) != [LINK_VERSION]:
            problems.append("The link comes from another version of this app; what it shares with this one is shown.")
        state["link_problems"] = problems
    elif _touched() != state["link_touched"]:
        state["link_problems"] = []  # said once; from the first change on the screen is the viewer's own
    if page != state.get("link_page"):
        state.pop("share_made", None)
    state["link_page"] = page
    problems_now: list[str] = state["link_problems"]
    return problems_now


def put_query(query: Mapping[str, Sequence[str]]) -> list[str]:
    """Sets all widgets to what the parameters of a link say, and says what in them made no sense."""
    filters, problems = filters_from_query(query)
    put(filters)
    st.session_state["link_filters"] = filters
    return problems + _put_params(query) + _strangers(query)


def publish(filters: Filters) -> None:
    """Writes filters and page settings into the address, defaults left out."""
    state = st.session_state
    if filters != state["link_filters"]:
        state[param_key("p")] = "1"  # page 7 of other leads is nowhere
        state["link_filters"] = filters
    query = query_of(filters)
    if {key: st.query_params.get_all(key) for key in st.query_params} != query:
        st.query_params.from_dict(query)
    state["link_written"] = query
    state["link_touched"] = _touched()


def query_of(filters: Filters) -> dict[str, list[str]]:
    """The parameters of a link to what the screen shows; empty if everything is at its default."""
    query = {**to_query(filters), **settings_now()}
    return {_VERSION_KEY: [LINK_VERSION], **query} if query else {}


def settings_now() -> dict[str, list[str]]:
    """The parameters of a link for the pages' settings, those at their default left out."""
    values = {param.key: _text(st.session_state.get(param_key(param.key), param.default)) for param in PARAMS}
    return {param.key: [values[param.key]] for param in PARAMS if values[param.key] != param.default}


def put(filters: Filters) -> None:
    """Sets the filter widgets to these filters. Before the widgets are drawn, or in a callback."""
    for field in FIELDS:
        values = filters[field.key]
        if field.kind in {"since", "until"}:
            st.session_state[filter_key(field.key)] = date.fromisoformat(values[0]) if values else None
        else:
            st.session_state[filter_key(field.key)] = list(values)


def keep() -> None:
    """Keeps the filters through a run that ends before it draws them: Streamlit forgets widgets that were not drawn."""
    for field in FIELDS:
        if filter_key(field.key) in st.session_state:
            st.session_state[filter_key(field.key)] = st.session_state[filter_key(field.key)]


def param(key: str) -> str:
    """The chosen value of a page setting."""
    return _text(st.session_state[param_key(key)])


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _put_params(query: Mapping[str, Sequence[str]]) -> list[str]:
    problems = []
    for setting in PARAMS:
        value = next(iter(query.get(setting.key, ())), setting.default)
        if setting.options:
            is_known, accepted = value in setting.options, ", ".join(setting.options)
        elif setting.is_day:
            is_known, accepted = not value or _is_day(value), "a day, 2026-05-31"
        elif setting.is_notebook:
            is_known, accepted = is_name(value), "letters, digits and hyphens"
        else:
            is_known, accepted = _is_page(value), "a whole number from 1"
        if not is_known:
            problems.append(f"“{value[:40]}” is not a value of “{setting.key}” ({accepted}); it was left out.")
            value = setting.default
        st.session_state[param_key(setting.key)] = setting.state_of(value)
    return problems


def _is_day(text: str) -> bool:
    try:
        Filters.of({"from": [text]})
    except FilterError:
        return False
    return True


def _is_page(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9 and int(text) >= 1


def _strangers(query: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for each parameter that nobody here reads: a mistyped filter must not pass for none."""
    known = [field.key for field in FIELDS] + [setting.key for setting in PARAMS]
    problems = []
    for key in query:
        if key not in {*known, _VERSION_KEY}:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f" Did you mean “{near[0]}”?" if near else ""
            problems.append(f"“{key[:40]}” is no filter and no setting of a page; it was left out.{hint}")
    return problems


def _touched() -> tuple[object, ...]:
    """The widgets' state as one comparable value."""
    keys = [filter_key(f.key) for f in FIELDS] + [param_key(p.key) for p in PARAMS]
    return tuple(str(st.session_state.get(key)) for key in keys)
