"""What a GET /v1/leads asks for: the query string, checked and put into the planted words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from leadlib.sandbox.clock import to_ms
from leadlib.sandbox.problems import ProblemError
from leadlib.sandbox.settings import SandboxSettings
from leadlib.sandbox.wire import CHANNELS, ENTITY_TYPES, STATUSES

MAX_LEADS_PER_PAGE: Final = 50

_COMMON_NAMES: Final = frozenset({"page", "perPage", "createdAtFrom"})
_FILTER_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "filter[status]": "status",
        "filter[type]": "channel",
        "filter[entityType]": "entityType",
        "filter[assignedToId]": "publicProfileId",
        "filter[listingReference]": "listingReference",
        "filter[projectId]": "projectId",
    }
)
_FLAT_LISTS: Final = frozenset({
    "id", "status", "channel", "entityType", "publicProfileId", "listingId", "listingReference", "listingCategory",
    "listingOffering", "projectId", "developerId", "senderName", "senderPhone", "senderEmail", "senderWhatsappUsername",
    "tag", "excludeTag",
})  # fmt: skip
_FLAT_SINGLES: Final = frozenset({"orderBy", "orderDirection", "search", "createdAtTo"})
_CLOSED_VALUES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "listingCategory": frozenset({"commercial", "residential"}),
        "listingOffering": frozenset({"sale", "rent"}),
    }
)
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class LeadQuery:
    """A checked query; bounds are inclusive.

    `filters` is (flat name, allowed wire values): AND between names, OR within.
    `created_from_ms` and `created_to_ms` are None where not given or, for the latter, not honoured. `grain_ms` is how
    finely they are compared.
    """

    page: int = 1
    per_page: int = MAX_LEADS_PER_PAGE
    filters: tuple[tuple[str, frozenset[str]], ...] = ()
    search: str = ""
    created_from_ms: int | None = None
    created_to_ms: int | None = None
    is_oldest_first: bool = False
    grain_ms: int = 1


def parse_lead_query(
    parameters: Iterable[tuple[str, str]], settings: SandboxSettings, at: datetime, oldest: datetime
) -> LeadQuery:
    """The query in `parameters` (decoded names and values), as the settings' dialect understands it at `at`.

    Raises ProblemError: 400 for a malformed value and, in a strict sandbox, an unknown name; 422 for createdAtFrom
    before `oldest`, where the three months begin.
    """
    given = _by_name(parameters)
    if settings.strict:
        refuse_unknown(given, lead_names(settings))
    page, per_page = page_of(given, MAX_LEADS_PER_PAGE)
    from_ms = to_ms_ = None
    if text := _single(given, "createdAtFrom"):
        created_from = _instant("createdAtFrom", text)
        if created_from < oldest:
            raise ProblemError(422, "createdAtFrom is more than 3 months ago", "/createdAtFrom")
        from_ms = -(-(created_from - at) // timedelta(milliseconds=1)) + to_ms(at)
    if settings.is_created_to_honoured and (text := _single(given, "createdAtTo")):
        to_ms_ = to_ms(_instant("createdAtTo", text))
        if from_ms is not None and to_ms_ < from_ms:
            raise ProblemError(400, "createdAtTo is before createdAtFrom", "/createdAtTo")
    if settings.dialect == "filter":
        # A comma separates: a reference that holds one cannot be asked for.
        lists = {
            name: [part for value in given.get(bracketed, ()) for part in value.split(",") if part]
            for bracketed, name in _FILTER_NAMES.items()
        }
        return LeadQuery(page, per_page, _filters(lists, settings), "", from_ms, to_ms_)
    lists = {name: [value for value in given.get(name, ()) if value] for name in sorted(_FLAT_LISTS)}
    direction = _single(given, "orderDirection")
    if direction not in ("", "asc", "desc"):
        raise ProblemError(400, "orderDirection must be asc or desc", "/orderDirection")
    is_oldest_first = _single(given, "orderBy") == "createdAt" and direction == "asc"
    search = _single(given, "search").casefold()
    return LeadQuery(page, per_page, _filters(lists, settings), search, from_ms, to_ms_, is_oldest_first)


def lead_names(settings: SandboxSettings) -> frozenset[str]:
    """The query names of GET /v1/leads that the sandbox knows; the rest is ignored, or refused when strict."""
    if settings.dialect == "flat":
        return _COMMON_NAMES | _FLAT_LISTS | _FLAT_SINGLES
    return _COMMON_NAMES | _FILTER_NAMES.keys() | ({"createdAtTo"} if settings.is_created_to_honoured else set())


def refuse_unknown(given: Iterable[str], known: Iterable[str]) -> None:
    """Raise ProblemError 400 for the first name of `given` that is not `known`."""
    known = frozenset(known)
    for name in given:
        if name not in known:
            raise ProblemError(400, f"{name} is not a known parameter", f"/{name}")


def page_of(given: Mapping[str, list[str]], most: int) -> tuple[int, int]:
    """The page and perPage of a query, 1 and 50 by default. Raises ProblemError 400 outside 1 and `most`."""
    page = _whole(given, "page", 1)
    per_page = _whole(given, "perPage", 50)
    if per_page > most:
        raise ProblemError(400, f"perPage must be {most} or less", "/perPage")
    return page, per_page


def _by_name(parameters: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for name, value in parameters:
        given.setdefault(name, []).append(value)
    return given


def _single(given: Mapping[str, list[str]], name: str) -> str:
    return given.get(name, [""])[-1]


def _whole(given: Mapping[str, list[str]], name: str, default: int) -> int:
    text = _single(given, name)
    if not text:
        return default
    if not re.fullmatch(r"-?[0-9]{1,9}", text) or int(text) < 1:
        raise ProblemError(400, f"{name} must be a whole number from 1", f"/{name}")
    return int(text)


def _instant(name: str, text: str) -> datetime:
    try:
        if _RFC_3339.fullmatch(text):
            return datetime.fromisoformat(text.upper())
    except ValueError:
        pass
    raise ProblemError(400, f"{name} must be a date-time with a zone (RFC 3339)", f"/{name}")


def _filters(lists: Mapping[str, list[str]], settings: SandboxSettings) -> tuple[tuple[str, frozenset[str]], ...]:
    closed = {
        "status": frozenset(STATUSES[settings.dialect].values()),
        "channel": frozenset(CHANNELS[settings.dialect].values()),
        "entityType": frozenset(ENTITY_TYPES[settings.dialect].values()),
        **_CLOSED_VALUES,
    }
    found = []
    for name, values in lists.items():
        for value in values:
            if name in closed and value not in closed[name]:
                raise ProblemError(400, f"{name} must be one of {', '.join(sorted(closed[name]))}", f"/{name}")
            if name == "publicProfileId" and not re.fullmatch(r"[0-9]{1,18}", value):
                raise ProblemError(400, "publicProfileId must be a whole number", f"/{name}")
        if values:
            found.append((name, frozenset(values)))
    return tuple(found)
