"""The one table of filters, and everything that follows from a row of it.

From FIELDS come the API's parameters in both dialects (`to_api`), the SQL predicate with its bound values
(`to_where`), the shared link (`to_query`, `to_address`, `filters_from_query`), the words over a chart (`describe`),
the sidebar's widgets (`ui/filter_bar.py`) and the command line's `--filter`.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from leadlib.config import DIALECTS, Dialect
from leadlib.errors import FilterError

ArrayStyle = Literal["comma", "repeat", "brackets"]
ARRAY_STYLE_OF_DIALECT: Mapping[Dialect, ArrayStyle] = {"filter": "comma", "flat": "repeat"}

MISSING = "none"
"""The value that stands for "the lead has none", for fields that may be absent."""

Kind = Literal["choice", "id", "since", "until"]


@dataclass(frozen=True)
class Field:
    """One filter.

    `key` names it in links, on the command line and in Filters: renaming it breaks shared links. `column` is the
    column of `leads` or what is made of its columns. `params` is the API's parameter per dialect; a dialect that is
    absent cannot filter by it, so the rows are filtered here. `values` is the closed list per dialect (empty: any
    text). `same_as` pairs the filter dialect's word with the flat one. `may_be_missing` fields accept MISSING. Of
    several values a lead must carry any, of an `is_every` field all of them.
    """

    key: str
    label: str
    kind: Kind
    column: str
    help: str
    params: Mapping[Dialect, str]
    values: Mapping[Dialect, tuple[str, ...]]
    same_as: tuple[tuple[str, str], ...] = ()
    is_number: bool = False
    is_list_column: bool = False
    is_every: bool = False
    may_be_missing: bool = False
    is_extra: bool = False

    @property
    def is_of_store(self) -> bool:
        """True if no dialect has a parameter: the store alone tells, and a single row of the API does not."""
        return not self.params

    def spelled(self, value: str, dialect: Dialect) -> str | None:
        """`value` in the words of `dialect`; None if the dialect has no word for it."""
        for pair in self.same_as:
            if value in pair:
                value = pair[DIALECTS.index(dialect)]
        known = self.values.get(dialect, ())
        return value if not known or value in known else None

    def spellings(self, value: str) -> tuple[str, ...]:
        """Every stored text that means `value`: a store may hold rows from both dialects."""
        return next((pair for pair in self.same_as if value in pair), (value,))


_ANY: Mapping[Dialect, tuple[str, ...]] = {}
_OF_STORE: Mapping[Dialect, str] = {}
_RUNGS = ("sent", "delivered", "opened", "responded")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = tuple(map(str, range(24)))
_LISTED_STAGES = "['sent', 'delivered', 'opened', 'responded', 'archived', 'unrecognised']"
# Each move of a lead as "from>to", as metrics.transitions counts them. A node is what the lead was first seen as
# ("first:sent"), what it became ("then:opened"), what it became after it had gone back down ("again:opened"; what
# follows a second way back is left out), or where it stands ("today:opened"): so no move ever leads back. Columns of
# the inner queries have names of their own, so that lead_id and stage are those of the row that is asked about.
_MOVES = f"""coalesce((
    select list_append(
        list_transform(range(1, len(nodes)), lambda place: nodes[place] || '>' || nodes[place + 1]),
        nodes[-1] || '>today:' || stage
    )
    from (
        select of_lead, list_transform(
            list_filter(range(1, len(rungs) + 1), lambda place:
                ways_back[place] < 2 and (place = 1 or rungs[place] <> rungs[place - 1])
            ),
            lambda place:
                case when place = 1 then 'first:' when ways_back[place] = 0 then 'then:' else 'again:' end
                || {_LISTED_STAGES}[rungs[place]]
        ) as nodes
        from (
            select of_lead, rungs, list_transform(range(1, len(rungs) + 1), lambda place:
                len(list_filter(range(2, place + 1), lambda earlier: rungs[earlier] < rungs[earlier - 1]))
            ) as ways_back
            from (
                select lead_id as of_lead, list(
                    list_position({_LISTED_STAGES}, stage)
                    order by not_after, not_before, list_position({_LISTED_STAGES}, stage)
                ) as rungs
                from status_observations
                group by lead_id
            )
        )
    )
    where of_lead = lead_id
), ['first:' || stage || '>today:' || stage])"""  # noqa: S608
LINK_VERSION = "1"
"""The version of the links to the app that hold filters, as their parameter `v` has it."""

_FIRST_YEAR, _LAST_YEAR = 2000, 2100

FIELDS: tuple[Field, ...] = (
    Field(
        "status",
        "Status",
        "choice",
        "status",
        "How far the lead has come, as the portal reports it today.",
        {"filter": "filter[status]", "flat": "status"},
        {"filter": ("sent", "opened", "responded", "archived"), "flat": ("sent", "delivered", "read", "replied")},
        same_as=(("opened", "read"), ("responded", "replied")),
    ),
    Field(
        "type",
        "Channel",
        "choice",
        "channel",
        "How the person got in touch. The API calls it type.",
        {"filter": "filter[type]", "flat": "channel"},
        {"filter": ("call", "email", "chat", "whatsapp"), "flat": ("call", "email", "whatsapp")},
    ),
    Field(
        "entity",
        "Entity type",
        "choice",
        "entity_type",
        "What the lead is about: a listing, a project, a developer, or an agent's public profile.",
        {"filter": "filter[entityType]", "flat": "entityType"},
        {
            "filter": ("listing", "project", "developer", "publicProfile"),
            "flat": ("listing", "project", "developer", "agent", "company"),
        },
        same_as=(("publicProfile", "agent"),),
    ),
    Field(
        "agent",
        "Assigned agent",
        "id",
        "agent_id",
        "The agent's public profile id, which is not the user id.",
        {"filter": "filter[assignedToId]", "flat": "publicProfileId"},
        _ANY,
        is_number=True,
        may_be_missing=True,
    ),
    Field(
        "listing",
        "Listing reference",
        "id",
        "listing_reference",
        "The reference as your listings carry it, to the letter.",
        {"filter": "filter[listingReference]", "flat": "listingReference"},
        _ANY,
        may_be_missing=True,
    ),
    Field(
        "project",
        "Project",
        "id",
        "project_id",
        "The project that the lead is about.",
        {"filter": "filter[projectId]", "flat": "projectId"},
        _ANY,
        may_be_missing=True,
    ),
    Field(
        "from",
        "From",
        "since",
        "created_at",
        "First day to count, from midnight in the account's time zone.",
        {"filter": "createdAtFrom", "flat": "createdAtFrom"},
        _ANY,
    ),
    Field(
        "to",
        "To",
        "until",
        "created_at",
        "Last day to count, to its midnight in the account's time zone.",
        {"flat": "createdAtTo"},
        _ANY,
    ),
    Field(
        "listing_id",
        "Listing id",
        "id",
        "listing_id",
        "The portal's own id of a listing.",
        {"flat": "listingId"},
        _ANY,
        is_extra=True,
    ),
    Field(
        "developer",
        "Developer",
        "id",
        "developer_id",
        "The developer of the project.",
        {"flat": "developerId"},
        _ANY,
        may_be_missing=True,
        is_extra=True,
    ),
    Field(
        "tag",
        "Tag",
        "id",
        "tags",
        "Leads that carry any of these tags.",
        {"flat": "tag"},
        _ANY,
        is_list_column=True,
        is_extra=True,
    ),
    Field(
        "reached",
        "Reached at least",
        "choice",
        # As counts.sql counts a bar of the funnel: what was first seen archived was sent, and nothing more is known.
        "case coalesce(reached_stage, stage) when 'responded' then ['sent', 'delivered', 'opened', 'responded'] "
        "when 'opened' then ['sent', 'delivered', 'opened'] when 'delivered' then ['sent', 'delivered'] "
        "when 'sent' then ['sent'] when 'archived' then ['sent'] end",
        "The stage that the lead has ever been seen at, or a higher one.",
        _OF_STORE,
        {"filter": _RUNGS, "flat": _RUNGS},
        is_list_column=True,
        is_extra=True,
    ),
    Field(
        "move",
        "Move",
        "id",
        _MOVES,
        "From which stage to which the lead was seen to go, or where it still stands. Several: it made all of them.",
        _OF_STORE,
        _ANY,
        is_list_column=True,
        is_every=True,
        is_extra=True,
    ),
    Field(
        "weekday",
        "Weekday",
        "choice",
        "lower(strftime(created_local, '%a'))",
        "Day of the week on which the lead came, on the account's clock.",
        _OF_STORE,
        {"filter": _WEEKDAYS, "flat": _WEEKDAYS},
        is_extra=True,
    ),
    Field(
        "hour",
        "Hour of day",
        "choice",
        "strftime(created_local, '%-H')",
        "Hour at which the lead came, 0 to 23, on the account's clock.",
        _OF_STORE,
        {"filter": _HOURS, "flat": _HOURS},
        is_extra=True,
    ),
)
_BY_KEY = {field.key: field for field in FIELDS}


@dataclass(frozen=True)
class Filters:
    """What is asked for: for each field that is in use, its values. Plain, hashable and comparable.

    `selected` is in the order of FIELDS with sorted values, so equal questions are equal objects. Build it with `of`.
    """

    selected: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Iterable[str]]) -> "Filters":
        """Filters from field keys to values. Raises FilterError for an unknown key or a value that cannot be."""
        for key in values:
            field_named(key)
        checked = ((f.key, tuple(sorted({_checked(f, v) for v in values.get(f.key, ())}))) for f in FIELDS)
        filters = cls(tuple((key, chosen) for key, chosen in checked if chosen))
        for key in ("from", "to"):
            if len(filters[key]) > 1:
                raise FilterError(f"“{key}” takes one day, not {' and '.join(filters[key])}.", key)
        first, last = filters.first("from"), filters.first("to")
        if first and last and first > last:
            raise FilterError(f"The first day, {first}, is after the last, {last}. Swap them.", "from")
        return filters

    def __getitem__(self, key: str) -> tuple[str, ...]:
        """The values of a field; empty if it is not in use."""
        return dict(self.selected).get(field_named(key).key, ())

    def first(self, key: str) -> str | None:
        """The only value of a field that takes one (from, to); None if it is not in use."""
        return next(iter(self[key]), None)

    def with_values(self, key: str, values: Iterable[str]) -> "Filters":
        """The same question with one field's values replaced; no values take the field out."""
        return Filters.of({**dict(self.selected), key: tuple(values)})


@dataclass(frozen=True)
class ApiQuery:
    """What the API is asked, and what has to be done here because it cannot be asked.

    `params` are name and value in order, unencoded. `here` are (field key, reason) pairs: rows for these are filtered
    locally, and the reason is a sentence for the screen.
    """

    params: tuple[tuple[str, str], ...]
    here: tuple[tuple[str, str], ...]


def field_named(key: str) -> Field:
    """The field with this key. Raises FilterError, which names the nearest known one."""
    if key in _BY_KEY:
        return _BY_KEY[key]
    near = difflib.get_close_matches(key, _BY_KEY, n=1)
    hint = f"Did you mean “{near[0]}”?" if near else f"Known filters: {', '.join(_BY_KEY)}."
    raise FilterError(f"There is no filter “{key[:40]}”. {hint}", key)


def _checked(field: Field, value: str) -> str:
    value = value.strip()
    if "\x00" in value or (not value.isascii() and value != value.encode("utf-8", "replace").decode()):
        raise FilterError(f"The value for “{field.key}” holds a character that no lead can have.", field.key)
    if field.kind in {"since", "until"}:
        try:
            day = date.fromisoformat(value)
        except ValueError as error:
            raise FilterError(
                f"“{value[:40]}” is not a day for “{field.key}”. Write it as 2026-05-31.", field.key
            ) from error
        # Days at the ends of the calendar cannot be moved between time zones.
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise FilterError(f"The day for “{field.key}” must lie in {_FIRST_YEAR} to {_LAST_YEAR}.", field.key)
        return day.isoformat()
    if field.is_number and value != MISSING and not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise FilterError(f"“{value[:40]}” is no id for “{field.key}”: it is a whole number or {MISSING}.", field.key)
    if not value:
        raise FilterError(f"The filter “{field.key}” has an empty value. Name one or leave it out.", field.key)
    return value


def to_where(filters: Filters, timezone: ZoneInfo) -> tuple[str, dict[str, object]]:
    """The SQL condition over `leads` and its bound values, days taken in `timezone`. No filters give "true"."""
    conditions: list[str] = []
    bound: dict[str, object] = {}
    for key, values in filters.selected:
        field = field_named(key)
        if field.kind == "since":
            conditions.append("created_at >= $filter_from")
            bound["filter_from"] = start_of_day(values[0], timezone)
        elif field.kind == "until":
            conditions.append("created_at < $filter_to")
            bound["filter_to"] = start_of_day(values[0], timezone, days_later=1)
        else:
            name = f"filter_{key}"
            stored = [text for value in values for text in field.spellings(value)]
            if field.is_number:
                bound[name] = [int(text) for text in stored if text != MISSING]
            else:
                bound[name] = stored
            has = "list_has_all" if field.is_every else "list_has_any"
            matches = f"{has}({field.column}, ${name})" if field.is_list_column else f"{field.column} in ${name}"
            is_missing = f" or {field.column} is null" if field.may_be_missing and MISSING in values else ""
            conditions.append(f"({matches}{is_missing})")
    return " and ".join(conditions) or "true", bound


def written_out(condition: str, bound: Mapping[str, object]) -> str:
    """A condition of `to_where` with its values in it, for where none can be bound: a view, or something to copy."""
    return re.sub(r"\$(\w+)", lambda name: _sql_of(bound[name[1]]), condition)


def _sql_of(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_sql_of, value)) + "]"
    if isinstance(value, int):
        return str(value)
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    quoted = "'" + text.replace("'", "''") + "'"
    return f"timestamptz {quoted}" if isinstance(value, datetime) else quoted


def start_of_day(day: str, timezone: ZoneInfo, days_later: int = 0) -> datetime:
    """The UTC instant at which `day` (plus `days_later`) begins in `timezone`."""
    local = datetime.combine(date.fromisoformat(day) + timedelta(days=days_later), time.min, tzinfo=timezone)
    return local.astimezone(UTC)


def to_api(filters: Filters, dialect: Dialect, timezone: ZoneInfo, array_style: ArrayStyle | None = None) -> ApiQuery:
    """The query of GET /v1/leads for these filters in `dialect`, and what it cannot express.

    A field is left out whole if one of its chosen values has no word in the dialect: asking for the others alone would
    return fewer rows than the filter means, while leaving it out returns more, which are then filtered here.
    """
    style = array_style or ARRAY_STYLE_OF_DIALECT[dialect]
    params: list[tuple[str, str]] = []
    here: list[tuple[str, str]] = []
    for key, values in filters.selected:
        field = field_named(key)
        param = field.params.get(dialect)
        if param is None:
            here.append((key, f"The {dialect} dialect has no parameter for {field.label.lower()}."))
        elif field.kind == "since":
            params.append((param, rfc3339(start_of_day(values[0], timezone))))
        elif field.kind == "until":
            # One millisecond before midnight: right whether the portal takes the bound as inclusive or not.
            params.append((param, rfc3339(start_of_day(values[0], timezone, days_later=1) - timedelta(milliseconds=1))))
        else:
            words = [MISSING if v == MISSING and field.may_be_missing else field.spelled(v, dialect) for v in values]
            unspoken = [v for v, word in zip(values, words, strict=True) if word is None]
            if unspoken:
                here.append((key, f"The {dialect} dialect has no word for {' or '.join(unspoken)}."))
            elif field.may_be_missing and MISSING in words:
                here.append((key, f"The API cannot ask for leads without {field.label.lower()}."))
            elif style == "comma" and any("," in str(word) for word in words):
                here.append((key, "A value holds a comma, which the API reads as two values."))
            else:
                params.extend(_array(param, [str(word) for word in words], style))
    return ApiQuery(tuple(params), tuple(here))


def _array(param: str, values: Sequence[str], style: ArrayStyle) -> list[tuple[str, str]]:
    if style == "comma":
        return [(param, ",".join(values))]
    return [(f"{param}[]" if style == "brackets" else param, value) for value in values]


def rfc3339(instant: datetime) -> str:
    """`instant` as UTC with a Z, with milliseconds only where it has some: an offset's plus sign is easily lost."""
    utc = instant.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds").replace("+00:00", "Z")


def to_query(filters: Filters) -> dict[str, list[str]]:
    """The filters as query parameters of a shared link: field key to values, in the order of FIELDS."""
    return {key: list(values) for key, values in filters.selected}


def to_pairs(filters: Filters) -> list[str]:
    """The filters as the command line and the facts of files write them: "type=call", one text for each value."""
    return [f"{key}={value}" for key, values in filters.selected for value in values]


def to_address(filters: Filters, settings: Mapping[str, Sequence[str]] | None = None) -> str:
    """What follows a page's address to show these leads with these settings of the page; empty for all at default."""
    query = {**to_query(filters), **(settings or {})}
    return f"?{urlencode({'v': LINK_VERSION, **query}, doseq=True)}" if query else ""


def filters_from_query(query: Mapping[str, Sequence[str]]) -> tuple[Filters, list[str]]:
    """Filters from a shared link's parameters, and a sentence for each part that made no sense and was left out.

    Parameters that are no filters are left to others: a link also names the page's own settings.
    """
    values: dict[str, list[str]] = {}
    problems: list[str] = []
    for field in FIELDS:
        texts = query.get(field.key, ())
        for text in texts[:1] if field.kind in {"since", "until"} else texts:
            closed = {word for words in field.values.values() for word in words}
            try:
                values.setdefault(field.key, []).append(_checked(field, text))
            except FilterError as error:
                problems.append(str(error))
                continue
            if closed and text.strip() not in closed:
                reason = f"is not a {field.label.lower()} the API knows; only leads that carry it are shown."
                if field.is_of_store:
                    reason = f"is not a value of “{field.key}”; no lead has it."
                problems.append(f"“{text[:40]}” {reason}")
    try:
        return Filters.of(values), problems
    except FilterError as error:
        return Filters.of({k: v for k, v in values.items() if k not in {"from", "to"}}), [*problems, str(error)]


def describe(filters: Filters, names: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """The filters in words, for the line over a chart and inside exports: "Channel call or chat · from 2026-05-01".

    `names` gives words for ids, per field key. No filters read "All leads".
    """
    parts: list[str] = []
    for key, values in filters.selected:
        field = field_named(key)
        words = [(names or {}).get(key, {}).get(value, value) for value in values]
        if field.kind in {"since", "until"}:
            parts.append(f"{field.key} {words[0]}")
        elif len(words) > 4:
            parts.append(f"{field.label.lower()} {'all' if field.is_every else 'any'} of {len(words)}")
        else:
            parts.append(f"{field.label.lower()} {(' and ' if field.is_every else ' or ').join(words)}")
    text = " · ".join(parts)
    return text[:1].upper() + text[1:] or "All leads"
