"""Names for ids: agents, listings, projects. A key that may not read them costs names, never a sync."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from leadlib.api.pages import Params, ends_here, envelope_rows
from leadlib.api.wire import Answer
from leadlib.errors import UnexpectedPayloadError
from leadlib.records import AgentName, ListingName, ProjectName

PER_PAGE = 100
IDS_PER_CALL = 50
MAX_PAGES = 1000
USERS_PATH, LISTINGS_PATH, PROJECTS_PATH = "/v1/users", "/v1/listings", "/v1/projects"


class LookUp(Protocol):
    """GET `path`: the answer, or None if the names cannot be had. `shown_path` stands in messages instead of it."""

    def __call__(
        self, path: str, params: Params, scope: str, *, shown_path: str | None = None, is_one: bool = False
    ) -> Answer | None: ...


def iter_agents(look_up: LookUp) -> Iterator[AgentName]:
    call = f"GET {USERS_PATH}"
    for number in range(1, MAX_PAGES + 1):
        answer = look_up(USERS_PATH, [("page", str(number)), ("perPage", str(PER_PAGE))], "users:read")
        if answer is None:
            return
        for row in envelope_rows(answer, call, "data"):
            agent = _agent_from_json(row)
            if agent is not None:
                yield agent
        if ends_here(answer, call, "data", number):
            return
    raise UnexpectedPayloadError(f"{call}: the list goes on after {MAX_PAGES} pages.", call=call, status=200)


def listings(look_up: LookUp, ids: Iterable[str]) -> list[ListingName]:
    """One row per listing found, in the order of `ids`. Ids with a comma cannot be asked for and are left out."""
    wanted = [listing_id for listing_id in dict.fromkeys(ids) if listing_id and "," not in listing_id]
    found: dict[str, ListingName] = {}
    # Without a flag only published listings are answered, and leads live longer than listings.
    for flags in ((), (("draft", "true"),), (("archived", "true"),)):
        missing = [listing_id for listing_id in wanted if listing_id not in found]
        for start in range(0, len(missing), IDS_PER_CALL):
            chunk = missing[start : start + IDS_PER_CALL]
            params = [("perPage", str(PER_PAGE)), ("filter[ids]", ",".join(chunk)), *flags]
            answer = look_up(LISTINGS_PATH, params, "listings:read")
            if answer is None:
                return _in_order(found, wanted)
            for row in envelope_rows(answer, f"GET {LISTINGS_PATH}", "results"):
                listing = _listing_from_json(row)
                if listing is not None:
                    found[listing.listing_id] = listing
    return _in_order(found, wanted)


def project(look_up: LookUp, project_id: str) -> ProjectName | None:
    # The id becomes part of the path, so nothing that could leave that place is let in.
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,64}", project_id):
        return None
    answer = look_up(
        f"{PROJECTS_PATH}/{project_id}", (), "projects:read", shown_path=f"{PROJECTS_PATH}/{{id}}", is_one=True
    )
    if answer is None:
        return None
    body = _object(answer.body)
    developer = _object(body.get("developer"))
    return ProjectName(
        project_id, _in_a_language(body.get("title")), _text(developer.get("id")), _in_a_language(developer.get("name"))
    )


def _agent_from_json(row: Any) -> AgentName | None:
    """The agent of a user; None for a user without a public profile, to whom no lead can belong."""
    profile = _object(_object(row).get("publicProfile"))
    agent_id = profile.get("id")
    if isinstance(agent_id, bool) or not isinstance(agent_id, int) or abs(agent_id) >= 2**63:
        return None
    parts = [_text(row.get("firstName")), _text(row.get("lastName"))]
    name = _text(profile.get("name")) or " ".join(part for part in parts if part) or f"#{agent_id}"
    is_active = {"active": True, "inactive": False}.get(_text(row.get("status")) or "")
    return AgentName(agent_id, name, is_active)


def _listing_from_json(row: Any) -> ListingName | None:
    listing_id = _text(_object(row).get("id"))
    if listing_id is None:
        return None
    price_type = _text(_object(row.get("price")).get("type"))
    return ListingName(
        listing_id,
        _text(row.get("reference")),
        _in_a_language(row.get("title")),
        _text(row.get("type")),
        _text(row.get("category")),
        None if price_type is None else "sale" if price_type == "sale" else "rent",
    )


def _in_a_language(value: Any) -> str | None:
    """English, else Arabic, else the plain text that it is."""
    return _text(value) or _text(_object(value).get("en")) or _text(_object(value).get("ar"))


def _in_order(found: dict[str, ListingName], wanted: list[str]) -> list[ListingName]:
    """What was asked for, in that order: a portal that ignores the filter answers its first hundred listings."""
    return [found[listing_id] for listing_id in wanted if listing_id in found]


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    # No database takes a NUL or half a surrogate pair.
    return value.replace("\x00", "").encode("utf-8", "replace").decode().strip() or None
