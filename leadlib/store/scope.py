"""Scope: the part of the analytics tables that some agents' leads make up, as conditions and as a file of its own.

All SQL names tables without saying whose they are. In a scope these names are views, so that no query, page or export
has to know of scopes, and none can forget to.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import duckdb

from leadlib.errors import StoreReadOnlyError
from leadlib.store.files import File


@dataclass(frozen=True)
class Share:
    """What of a table is in a scope: the rows under `condition`, with nothing in the columns `blank`.

    {own} stands for the scope's agents, {leads} for the table of leads.
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
    "agents": Share("{own}"),
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

OUTSIDE = frozenset({"migrations", "meta", "commits", "alarms"})
"""Tables that speak of the whole installation: in no scope."""

_CATALOG: Final = "scopes"


def conditions(agents: Sequence[int], leads: str = "leads") -> dict[str, str]:
    """A SQL condition per table, which leaves what belongs to these agents. `leads` is how the leads are called."""
    own = f"agent_id in ({', '.join(str(int(agent)) for agent in agents)})"
    return {table: share.condition.format(own=own, leads=leads) for table, share in TABLES.items()}


def shown(table: str, column: str) -> str:
    """SQL for what a scope has of a column: the column, or null of its type."""
    return f"nullif({column}, {column}) as {column}" if column in TABLES[table].blank else column


class ScopedFile(File):
    """A file of which every cursor sees the views of one scope and no table; a change raises StoreReadOnlyError.

    Without `agents` there is nothing at all to see.
    """

    def __init__(self, whole: File, name: str, agents: Sequence[int] | None) -> None:
        self.path = whole.path
        self.schema = whole.schema
        self.is_read_only = True
        self._whole = whole
        self._name = f"scope_{name}"
        self._agents = agents

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
        for table, condition in conditions(self._agents, f'"{whole}".main.leads').items() if self._agents else ():
            blank = ", ".join(shown(table, column) for column in TABLES[table].blank)
            columns = f"* replace ({blank})" if blank else "*"
            connection.execute(
                f"create or replace view {_CATALOG}.{self._name}.{table} as "
                f'select {columns} from "{whole}".main.{table} where {condition}'
            )


class UnchangedFile(ScopedFile):
    """A file of which all is seen, and which a change raises StoreReadOnlyError for."""

    def __init__(self, whole: File) -> None:
        super().__init__(whole, "all", None)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self._whole.cursor()


def refusal(path: str) -> StoreReadOnlyError:
    """The error for whoever would change a store of which they see a part."""
    return StoreReadOnlyError("A store that is seen through somebody's rights is read and never changed.", path)
