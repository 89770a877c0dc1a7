"""The names of agents, listings and projects, looked up after the leads."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from leadlib.api import Client
from leadlib.errors import PortalError
from leadlib.records import AgentName, ListingName, ProjectName
from leadlib.store import Store

log = logging.getLogger(__name__)

_Name = TypeVar("_Name", AgentName, ListingName, ProjectName)


NAMES_LIVE = timedelta(hours=24)
"""How old a name may become before it is asked for again: agents marry, listings get better titles."""

MOST_OLD_NAMES = 500
"""How many old names of listings a sync asks for again, 50 a call; agents come in one list."""

MOST_OLD_PROJECTS = 20
"""The same for projects, each of which costs a call."""


def fetch_names(client: Client, store: Store, on_call: Callable[[], None], now: datetime) -> list[str]:
    """Looks up agents, listings and projects that leads carry, new ones and a day after; sentences on what failed.

    An id that the portal does not know keeps what was known of it, or gets a row without a name, and is asked for again
    a day later; a key that may not look names up costs one call a day, and a note. A lookup that fails costs its names,
    never the sync. `now` is our clock's UTC instant.
    """
    notes: list[str] = []
    ids = store.ids_without_names()
    old = store.ids_with_old_names(now - NAMES_LIVE, MOST_OLD_NAMES)
    agent_ids, listing_ids = {*ids[0], *old[0]}, {*ids[1], *old[1]}
    project_ids = [*ids[2], *old[2][:MOST_OLD_PROJECTS]]
    if agent_ids or listing_ids:
        on_call()
    agents, has_all_agents = _found("agents", lambda: client.iter_agents() if agent_ids else (), notes)
    listings, has_all_listings = _found("listings", lambda: client.listings(sorted(listing_ids)), notes)
    asked: list[str] = []
    projects, _ = _found("projects", lambda: _projects(client, project_ids, asked, on_call), notes)
    may_list = {scope: scope not in client.unavailable for scope in ("users:read", "listings:read")}
    unknown = (
        sorted(agent_ids - {a.agent_id for a in agents}) if has_all_agents and may_list["users:read"] else (),
        sorted(listing_ids - {x.listing_id for x in listings})
        if has_all_listings and may_list["listings:read"]
        else (),
        sorted(set(asked) - {p.project_id for p in projects}),
    )
    store.write_names(agents, listings, projects, unknown=unknown, at=now)
    return [*notes, *(f"Names are missing: the key lacks {scope}." for scope in sorted(client.unavailable))]


def _found(what: str, look_up: Callable[[], Iterable[_Name]], notes: list[str]) -> tuple[list[_Name], bool]:
    """The names that came, and whether all came that the portal has."""
    found: list[_Name] = []
    try:
        for name in look_up():
            found.append(name)
    except PortalError as error:
        log.warning("the names of %s could not be looked up: %s", what, type(error).__name__)
        notes.append(f"The names of some {what} could not be looked up; the next sync tries again. {error}")
        return found, False
    return found, True


def _projects(client: Client, ids: list[str], asked: list[str], on_call: Callable[[], None]) -> Iterator[ProjectName]:
    """The projects that the portal knows; ids whose question was answered are added to `asked`."""
    for project_id in ids:
        on_call()
        project = client.project(project_id)
        if "projects:read" in client.unavailable:
            return
        asked.append(project_id)
        if project is not None:
            yield project
