"""A page of leads: its query, its URL, and what its JSON says, with every row accounted for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from leadlib.api.wire import Answer
from leadlib.config import Dialect
from leadlib.errors import UnexpectedPayloadError
from leadlib.filters import MISSING, ApiQuery, Field, Filters, field_named, rfc3339, start_of_day, to_api
from leadlib.records import Lead, RejectedRow, leads_from_json

LEADS_PATH = "/v1/leads"
LEADS_SCOPE = "leads:read"
MAX_PER_PAGE = 50
"""More is refused by the portal, not clamped."""

NO_FILTERS = Filters()
BOUND_TOLERANCE = timedelta(seconds=1)
"""A portal may compare whole seconds: a row so close to a bound is not held against it."""

Params = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class LeadPage:
    """One answer of GET /v1/leads.

    Every row is counted once: n_rows == len(leads) + len(rejected) + mismatched + filtered_here.

    `leads` satisfy the filters and bounds that were asked for. `mismatched` rows broke one that the portal was given,
    so it does not know that parameter; `filtered_here` rows broke only what the dialect cannot express. Both are left
    out, and `warnings` says so in sentences without anything personal. `row_ids` are the ids of all rows in order, ""
    where there is none. `next_page` is None on the last page and where the portal does not say; `is_last` knows the
    difference. `portal_at` is the portal's clock in UTC, None if it did not tell.
    """

    leads: tuple[Lead, ...]
    rejected: tuple[RejectedRow, ...]
    number: int
    per_page: int
    total: int
    total_pages: int
    next_page: int | None
    is_last: bool
    portal_at: datetime | None
    n_rows: int
    row_ids: tuple[str, ...]
    mismatched: int = 0
    filtered_here: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def n_distinct(self) -> int:
        """Different rows on the page: distinct ids, and each row without one."""
        return len(set(self.row_ids) - {""}) + self.row_ids.count("")


def leads_query(
    filters: Filters,
    dialect: Dialect,
    timezone: ZoneInfo,
    *,
    number: int = 1,
    per_page: int = MAX_PER_PAGE,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
    extra: Params = (),
) -> ApiQuery:
    """The whole query of one page, in the order it is sent, and what has to be filtered here.

    `created_from` and `created_to` narrow the days in `filters`, they never widen them; `extra` goes last.
    Raises ValueError for what the portal would refuse anyway: a page below 1, more than 50 rows, naive or crossed
    bounds.
    """
    if not 1 <= per_page <= MAX_PER_PAGE:
        raise ValueError(f"per_page is {per_page}; the portal takes 1 to {MAX_PER_PAGE}.")
    if number < 1:
        raise ValueError(f"Page {number} does not exist: pages count from 1.")
    if any(bound is not None and bound.tzinfo is None for bound in (created_from, created_to)):
        raise ValueError("created_from and created_to need a time zone.")
    if created_from and created_to and created_from > created_to:
        raise ValueError("created_from is later than created_to.")
    asked = to_api(filters, dialect, timezone)
    named = dict(asked.params)
    bounds: list[tuple[str, str]] = []
    if created_from:
        day = filters.first("from")
        bounds.append(
            ("createdAtFrom", rfc3339(max(created_from, start_of_day(day, timezone)) if day else created_from))
        )
    elif "createdAtFrom" in named:
        bounds.append(("createdAtFrom", named["createdAtFrom"]))
    if created_to:
        day = filters.first("to")
        last = start_of_day(day, timezone, days_later=1) - timedelta(milliseconds=1) if day else created_to
        bounds.append(("createdAtTo", rfc3339(min(created_to, last))))
    elif "createdAtTo" in named:
        bounds.append(("createdAtTo", named["createdAtTo"]))
    rest = [(name, value) for name, value in asked.params if name not in {"createdAtFrom", "createdAtTo"}]
    paging = [("page", str(number)), ("perPage", str(per_page))]
    return ApiQuery((*paging, *rest, *bounds, *extra), asked.here)


def leads_url(base_url: str, params: Params) -> str:
    """The URL of GET /v1/leads with this query, encoded exactly as it is sent."""
    return url_of(base_url, LEADS_PATH, params)


def url_of(base_url: str, path: str, params: Params) -> str:
    query = urlencode(list(params), quote_via=quote, safe="", errors="replace")
    return f"{base_url}{path}?{query}" if query else base_url + path


def page_from_json(
    answer: Answer,
    call: str,
    *,
    number: int,
    per_page: int,
    filters: Filters,
    here: Sequence[str],
    timezone: ZoneInfo,
    created_from: datetime | None,
    created_to: datetime | None,
) -> LeadPage:
    """The page in `answer`, its rows checked against what was asked; `here` are the fields that were not.

    Raises UnexpectedPayloadError if this is no page, or not the one that was asked for.
    """
    rows, pagination = _envelope(answer, call, "data")
    total = _count(pagination, "total", call, answer, lowest=0)
    size = _count(pagination, "perPage", call, answer, lowest=1, default=per_page)
    page = _count(pagination, "page", call, answer, lowest=1, default=number)
    total_pages = _count(pagination, "totalPages", call, answer, lowest=0, default=-(-total // size))
    if page != number:
        raise _unexpected(f"{call} was asked for page {number} and sent page {page}.", call, answer)
    next_page, is_last = _next(pagination, page, total_pages, len(rows), call, answer)
    leads, rejected = leads_from_json(rows, answer.row_texts or None)
    asked_of_portal, left_to_us = _checks(filters, here, timezone)
    if created_from:
        asked_of_portal.append(("from", _since(created_from - BOUND_TOLERANCE)))
    if created_to:
        asked_of_portal.append(("to", _before(created_to + BOUND_TOLERANCE)))
    kept: list[Lead] = []
    broken: dict[str, int] = {}
    mismatched = filtered_here = 0
    for lead in leads:
        if broke := [key for key, holds in asked_of_portal if not holds(lead)]:
            for key in set(broke):
                broken[key] = broken.get(key, 0) + 1
            mismatched += 1
        elif not all(holds(lead) for _, holds in left_to_us):
            filtered_here += 1
        else:
            kept.append(lead)
    warnings = tuple(
        f"{n} of {len(rows)} rows broke the filter “{key}” that the portal was given, so it does not apply that "
        "parameter. They were left out here, and the portal's total does not count this filter."
        for key, n in broken.items()
    )
    return LeadPage(
        tuple(kept), tuple(rejected), page, size, total, total_pages, next_page, is_last, answer.portal_at, len(rows),
        tuple(_row_id(row) for row in rows), mismatched, filtered_here, warnings,
    )  # fmt: skip


def envelope_rows(answer: Answer, call: str, name: str) -> Sequence[Any]:
    """The rows of a lookup's answer, under `name`."""
    return _envelope(answer, call, name)[0]


def ends_here(answer: Answer, call: str, name: str, number: int) -> bool:
    """Whether page `number` of a lookup is its last one. Raises UnexpectedPayloadError if that cannot be told."""
    rows, pagination = _envelope(answer, call, name)
    total_pages = _count(pagination, "totalPages", call, answer, lowest=0, default=-1)
    if _count(pagination, "page", call, answer, lowest=1, default=number) != number:
        raise _unexpected(f"{call} was asked for page {number} and sent another.", call, answer)
    return _next(pagination, number, total_pages, len(rows), call, answer)[1]


def _envelope(answer: Answer, call: str, name: str) -> tuple[list[Any], dict[str, Any]]:
    body = answer.body if isinstance(answer.body, dict) else {}
    rows, pagination = body.get(name), body.get("pagination")
    if not isinstance(rows, list) or not isinstance(pagination, dict):
        raise _unexpected(f"{call} answered 200 without a list `{name}` and an object `pagination`.", call, answer)
    return rows, pagination


def _count(
    pagination: dict[str, Any], name: str, call: str, answer: Answer, *, lowest: int, default: int | None = None
) -> int:
    value = pagination.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or (value < lowest and value != default):
        raise _unexpected(f"{call}: `pagination.{name}` is missing or no count.", call, answer)
    return value


def _next(
    pagination: dict[str, Any], page: int, total_pages: int, n_rows: int, call: str, answer: Answer
) -> tuple[int | None, bool]:
    """The next page's number (None: there is none, or the portal names none), and whether this page is the last."""
    if "nextPage" in pagination:
        following = pagination["nextPage"]
        if following is None:
            return None, True
        if isinstance(following, bool) or not isinstance(following, int) or following != page + 1:
            raise _unexpected(
                f"{call}: after page {page} comes page {following!r:.20} by the portal's word, which skips or repeats "
                "rows.", call, answer,
            )  # fmt: skip
        return following, n_rows == 0
    if total_pages < 0:
        raise _unexpected(f"{call}: neither `nextPage` nor `totalPages` tells where the list ends.", call, answer)
    return None, n_rows == 0 or page >= total_pages


def _unexpected(message: str, call: str, answer: Answer) -> UnexpectedPayloadError:
    return UnexpectedPayloadError(
        f"{message} A list cut short would pass for a whole one, so nothing of it was used. Try again; if it stays, "
        "check LEADLIB_API_URL.",
        call=call,
        status=answer.status,
        trace_id=answer.trace_id,
    )


def _row_id(row: Any) -> str:
    if isinstance(row, Lead):
        return row.lead_id
    lead_id = row.get("id") if isinstance(row, dict) else None
    return str(lead_id) if isinstance(lead_id, str | int) and not isinstance(lead_id, bool) else ""


Check = Callable[[Lead], bool]


def _checks(
    filters: Filters, here: Sequence[str], timezone: ZoneInfo
) -> tuple[list[tuple[str, Check]], list[tuple[str, Check]]]:
    """What a row must hold, per field: what the portal was asked for, and what is left to us.

    What the store alone can tell is no reason to drop a row.
    """
    fields = [(field_named(key), values) for key, values in filters.selected]
    checks = [(field.key, _check(field, values, timezone)) for field, values in fields if not field.is_of_store]
    return [c for c in checks if c[0] not in here], [c for c in checks if c[0] in here]


def _check(field: Field, values: tuple[str, ...], timezone: ZoneInfo) -> Check:
    """The same condition over a row as `filters.to_where` states over the table."""
    if field.kind == "since":
        return _since(start_of_day(values[0], timezone))
    if field.kind == "until":
        return _before(start_of_day(values[0], timezone, days_later=1))
    texts = {text for value in values for text in field.spellings(value)}
    if field.is_list_column:
        return lambda lead: not texts.isdisjoint(getattr(lead, field.column))
    takes_missing = field.may_be_missing and MISSING in values
    wanted: set[object] = {int(t) for t in texts if t != MISSING} if field.is_number else {*texts}

    def holds(lead: Lead) -> bool:
        value = getattr(lead, field.column)
        return takes_missing if value is None else value in wanted

    return holds


def _since(first: datetime) -> Check:
    return lambda lead: lead.created_at >= first


def _before(end: datetime) -> Check:
    return lambda lead: lead.created_at < end


def portal_now(page: LeadPage) -> datetime:
    """The portal's clock, ours where it does not tell."""
    return page.portal_at or datetime.now(UTC)
