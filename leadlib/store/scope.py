"""Scope: the part of the analytics tables that some leads make up, as conditions and as a file of its own.

All SQL names tables without saying whose they are. In a scope these names are views, so that no query, page or export
has to know of scopes, and none can forget to.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

import duckdb

from leadlib.errors import StoreReadOnlyError
from leadlib.filters import Filters, start_of_day, to_where, written_out
from leadlib.store.files import File
from leadlib.store.rollups import ROLLUPS


@dataclass(frozen=True)
class Share:
    """What of a table is in a scope: the rows under `condition`, with nothing in the columns `blank`.

    {own} stands for what tells the scope's leads, {names} for what tells its agents, {leads} for the table of leads.
    """

    condition: str
    blank: tuple[str, ...] = ()


_OF_ITS_LEADS: Final = Share("lead_id in (select lead_id from {leads} where {own})")

TABLES: Mapping[str, Share] = {
    "leads": Share("{own}"),
    "status_observations": _OF_ITS_LEADS,
    "assignment_observations": _OF_ITS_LEADS,
    "lead_sights": _OF_ITS_LEADS,
    "absences": _OF_ITS_LEADS,
    "rejected_leads": _OF_ITS_LEADS,
    "agents": Share("{names}"),
    "listings": Share("listing_id in (select listing_id from {leads} where {own})"),
    # A developer is named by any of its projects.
    "projects": Share("true"),
    # Without when was looked at what, nobody could tell “no leads” from “not read”; how many there are stays out.
    "slices": Share("true", blank=("total", "n_distinct")),
    "syncs": Share(
        "true",
        blank=(
            *("n_read", "n_new", "n_changed", "n_unchanged", "n_rejected", "n_uncertain", "n_counted"),
            *("n_suppressed", "n_deleted", "n_withheld", "n_calls", "n_retries", "portal_total", "store_total"),
            "message",
        ),
    ),
    "odd_fields": Share("false"),
}
"""What is in a scope, by table. A table that is not in this one is in none."""

OUTSIDE = frozenset({"migrations", "meta", "commits", "alarms", "senders", *ROLLUPS})
"""Tables that speak of the whole installation, or of all leads: in no scope."""

_CATALOG: Final = "scopes"


@dataclass(frozen=True)
class Part:
    """Which leads a scope has: those of `agents` (None: of all) under `filters`, days taken in `timezone`.

    What was read outside of the filters' days counts as not read: nobody could tell “no leads” there. Without
    `names_agents` each agent is a number from 1, and called “Agent 1”.
    """

    agents: Sequence[int] | None
    filters: Filters = field(default_factory=Filters)
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    names_agents: bool = True


def conditions(agents: Sequence[int], leads: str = "leads") -> dict[str, str]:
    """A SQL condition per table, which leaves what belongs to these agents. `leads` is how the leads are called."""
    own = _of_agents(agents)
    return _conditions(own, own, leads)


def _of_agents(agents: Sequence[int] | None) -> str:
    return "true" if agents is None else f"agent_id in ({', '.join(str(int(agent)) for agent in agents)})"


def _conditions(own: str, names: str, leads: str) -> dict[str, str]:
    words = {"own": own, "names": names, "leads": leads}
    return {table: share.condition.format(**words) for table, share in TABLES.items()}


def _relations(part: Part, main: str) -> dict[str, str]:
    """A SELECT per table of the schema `main`, which gives what of it is in a part."""
    own = names = _of_agents(part.agents)
    if part.filters.selected:
        condition, bound = to_where(part.filters, part.timezone)
        # A name without its schema would stand for the view that is being made. The values, which are text, come after.
        condition = condition.replace("from status_observations", f"from {main}.status_observations")
        own = f"({own} and {written_out(condition, bound)})"
        names = f"agent_id in (select agent_id from {main}.leads where {own})"
    selects = {}
    for table, condition in _conditions(own, names, f"{main}.leads").items():
        blank = ", ".join(shown(table, column) for column in TABLES[table].blank)
        columns = f"* replace ({blank})" if blank else "*"
        selects[table] = f"select {columns} from {main}.{table} where {condition}"
    since, until = part.filters.first("from"), part.filters.first("to")
    if since is not None:
        begins = f"greatest(created_from, timestamptz '{start_of_day(since, part.timezone).isoformat()}')"
        selects["slices"] = f"select * replace ({begins} as created_from) from ({selects['slices']})"
    if until is not None:
        ends = f"least(created_to, timestamptz '{start_of_day(until, part.timezone, days_later=1).isoformat()}')"
        selects["slices"] = f"select * replace ({ends} as created_to) from ({selects['slices']})"
    if since is not None or until is not None:
        selects["slices"] = f"select * from ({selects['slices']}) where created_from < created_to"
    if not part.names_agents:
        numbers = (
            "(select agent_id, row_number() over (order by min(created_at), agent_id) as number "
            f"from {main}.leads where {own} and agent_id is not null group by agent_id)"
        )
        for table, others in (
            *(("leads", ""), ("assignment_observations", "")),
            ("agents", ", 'Agent ' || numbers.number as name, null::boolean as is_active"),
        ):
            selects[table] = (
                f"select told.* replace (numbers.number as agent_id{others}) "
                f"from ({selects[table]}) as told left join {numbers} as numbers using (agent_id)"
            )
    return selects


def shown(table: str, column: str) -> str:
    """SQL for what a scope has of a column: the column, or null of its type."""
    return f"nullif({column}, {column}) as {column}" if column in TABLES[table].blank else column


class ScopedFile(File):
    """A file of which every cursor sees the views of one scope and no table; a change raises StoreReadOnlyError.

    Without a part there is nothing at all to see.
    """

    def __init__(self, whole: File, name: str, part: Part | None) -> None:
        self.path = whole.path
        self.schema = whole.schema
        self.is_read_only = True
        self._whole = whole
        self._name = f"scope_{name}"
        self._part = part
        self.patience = lambda: whole.patience()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = self._whole.prepared_cursor(self._name, self._make_views)
        cursor.execute(f"set search_path = '{_CATALOG}.{self._name}'")
        return cursor

    def after(self, error: duckdb.Error) -> bool:
        return self._whole.after(error)

    def close(self) -> None:
        """Nothing: whoever holds the whole file closes it."""

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        raise refusal(str(self.path))
        yield  # what makes it a generator, as a context manager has to be

    def _make_views(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The views, beside the file and in memory: nothing of a scope is ever written into it."""
        ((whole,),) = connection.execute("select current_database()").fetchall()
        connection.execute(f"attach if not exists ':memory:' as {_CATALOG}")
        connection.execute(f"create schema if not exists {_CATALOG}.{self._name}")
        relations = _relations(self._part, f'"{whole}".main') if self._part is not None else {}
        for table, select in relations.items():
            connection.execute(f"create or replace view {_CATALOG}.{self._name}.{table} as {select}")


class UnchangedFile(ScopedFile):
    """A file of which all is seen, and which a change raises StoreReadOnlyError for."""

    def __init__(self, whole: File) -> None:
        super().__init__(whole, "all", None)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self._whole.cursor()


def refusal(path: str) -> StoreReadOnlyError:
    """The error for whoever would change a store of which they see a part."""
    return StoreReadOnlyError("A store that is seen through somebody's rights is read and never changed.", path)
