"""Access: who may see and do what, by e-mail address, as the host of a shared installation has set it.

RIGHTS is the one table of what a role may. Who has which role stands in a file of one's own (`LEADLIB_PEOPLE`, see
docs/access.md).
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Role = Literal["owner", "manager", "viewer", "guest"]
ROLES: tuple[Role, ...] = ("owner", "manager", "viewer")
"""What somebody can be who signs in. A guest is who comes by a guest link, and has none of the rights."""


@dataclass(frozen=True)
class Right:
    """One row of the table of rights: the attribute of Access that tells it, what it allows, and to whom."""

    name: str
    meaning: str
    roles: tuple[Role, ...]


RIGHTS: tuple[Right, ...] = (
    Right("may_see_people", "See names, phones and e-mail addresses in full; others get masks", ("owner", "manager")),
    Right("may_open_response_links", "See the link that counts as a reply when it is opened", ("owner", "manager")),
    Right("may_export", "Download leads without personal columns", ("owner", "manager", "viewer")),
    Right("may_export_people", "Download leads with personal columns", ("owner", "manager")),
    Right("may_use_sql", "See what the SQL cells of notebooks answer", ("owner", "manager", "viewer")),
    Right("may_edit_notebooks", "Write and delete notebooks, pinned views and notes on days", ("owner", "manager")),
    Right("may_share", "Make guest links, and end one's own", ("owner", "manager")),
    Right("may_sync", "Have the portal asked now", ("owner", "manager")),
    Right("may_manage", "Look after the installation: where it lies, what is believed, calibration", ("owner",)),
)


@dataclass(frozen=True)
class Shared:
    """What a guest link shows: these pages, the first of them at the bare address, of the leads under these filters.

    `selected` is as in leadlib.filters.Filters. Without `names_agents`, agents are told apart by numbers.
    """

    link_id: str
    title: str
    pages: tuple[str, ...]
    selected: tuple[tuple[str, tuple[str, ...]], ...]
    names_agents: bool = False


@dataclass(frozen=True)
class Access:
    """What one person may see and do. `agents` are the public profiles whose leads they see, sorted; None means all.

    The rights follow from the role, by RIGHTS. Where nobody has to sign in, everybody has LOCAL. Who has come by a
    guest link, and nobody else, has `shared`.
    """

    role: Role
    email: str = ""
    agents: tuple[int, ...] | None = None
    shared: Shared | None = None
    may_see_people: bool = field(init=False)
    may_open_response_links: bool = field(init=False)
    may_export: bool = field(init=False)
    may_export_people: bool = field(init=False)
    may_use_sql: bool = field(init=False)
    may_edit_notebooks: bool = field(init=False)
    may_share: bool = field(init=False)
    may_sync: bool = field(init=False)
    may_manage: bool = field(init=False)

    def __post_init__(self) -> None:
        for right in RIGHTS:
            object.__setattr__(self, right.name, self.role in right.roles)
        if self.agents is not None:
            object.__setattr__(self, "agents", tuple(sorted(set(self.agents))))

    @property
    def key(self) -> str:
        """What cached answers are told apart by: equal for all who see the same in the same way, and names nobody."""
        return f"{self.role}-{self.scope}"

    @property
    def scope(self) -> str:
        """A short name for what is seen: "all", or letters and digits that are equal for equal parts of the leads."""
        if self.sees_all_leads:
            return "all"
        parts = [",".join(map(str, self.agents or ()))]
        if self.shared is not None:
            parts += [repr(self.agents is None), repr(self.shared.selected), repr(self.shared.names_agents)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    @property
    def sees_all_leads(self) -> bool:
        """True where neither agents nor a guest link narrow what is seen."""
        return self.agents is None and self.shared is None


LOCAL = Access("owner")
"""What everybody may where nobody has to sign in: everything."""


# An address at one of these is no proof of working anywhere.
_ANYBODYS = {
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "icloud.com"),
    *("me.com", "aol.com", "proton.me", "protonmail.com", "gmx.com", "gmx.net", "mail.ru", "yandex.ru"),
}


@dataclass(frozen=True)
class People:
    """Who is what: by address, and by the domain for all others at it."""

    by_email: Mapping[str, Access]
    by_domain: Mapping[str, Access]

    def access_of(self, email: str) -> Access | None:
        """What the holder of a verified address may; None if nothing. The address itself counts before its domain."""
        address = _address(email)
        if address is None:
            return None
        named = self.by_email.get(address)
        found = named if named is not None else self.by_domain.get(address.partition("@")[2])
        return None if found is None else Access(found.role, address, found.agents)


def _address(text: str) -> str | None:
    """An address as it is compared; None if it is none. Other letters than ASCII's could be taken for those."""
    address = text.casefold() if text.isascii() else ""
    name, at, domain = address.partition("@")
    is_one = bool(name and at and domain and "@" not in domain and address.isprintable() and " " not in address)
    return address if is_one else None


def load_people(path: Path) -> People:
    """The people in a TOML file. Raises ValueError, which says what such a file has and where this one differs."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"a file of people; {path} cannot be read") from error
    except tomllib.TOMLDecodeError as error:
        # The parser's own words may quote a line, and a line may hold an address.
        raise ValueError(f"a TOML file of people; {path.name} is none") from error
    people, teams = content.pop("person", []), _teams(content.pop("teams", {}))
    if content:
        raise ValueError(f"a file of [[person]] tables and [teams], without “{next(iter(content))}”")
    if not isinstance(people, list) or not people or not all(isinstance(table, dict) for table in people):
        raise ValueError("a file with a [[person]] table or more")
    by_email: dict[str, Access] = {}
    by_domain: dict[str, Access] = {}
    for place, table in enumerate(people, 1):
        where = f"a file of people; person {place}"
        kind, name = _whom(where, table)
        known = by_email if kind == "email" else by_domain
        if name in known:
            raise ValueError(f"{where} is there a second time: give each {kind} once")
        known[name] = _access(where, table, teams)
    if all(access.role != "owner" for access in (*by_email.values(), *by_domain.values())):
        raise ValueError("a file of people, one of them an owner")
    return People(by_email, by_domain)


def _teams(table: Any) -> dict[str, tuple[int, ...]]:
    if not isinstance(table, dict):
        raise ValueError("a file of people whose [teams] is a table of lists of public profile ids")
    return {name: _agents(f"a file of people; team “{name}”", ids) for name, ids in table.items()}


def _whom(where: str, table: dict[str, Any]) -> tuple[Literal["email", "domain"], str]:
    strange = [key for key in table if key not in {"email", "domain", "role", "agents", "team"}]
    if strange:
        raise ValueError(f"{where} takes email or domain, role, and agents or team, not “{strange[0]}”")
    email, domain = table.get("email"), table.get("domain")
    if (email is None) == (domain is None):
        raise ValueError(f"{where} needs either an “email” or a “domain”")
    if email is not None:
        address = _address(email) if isinstance(email, str) else None
        if address is None:
            raise ValueError(f"{where} needs an “email” such as sara@example.com, in plain letters")
        return "email", address
    host = _address(f"anybody@{domain}") if isinstance(domain, str) else None
    if host is None or "." not in host:
        raise ValueError(f"{where} needs a “domain” such as example.com, without an @")
    if host.partition("@")[2] in _ANYBODYS:
        raise ValueError(f"{where} names a domain where anybody can have an address; give each “email” instead")
    return "domain", host.partition("@")[2]


def _access(where: str, table: dict[str, Any], teams: Mapping[str, tuple[int, ...]]) -> Access:
    role, agents, team = table.get("role"), table.get("agents"), table.get("team")
    if role not in ROLES:
        raise ValueError(f"{where} needs a “role” that is one of {', '.join(ROLES)}")
    if agents is not None and team is not None:
        raise ValueError(f"{where} takes “agents” or a “team”, not both")
    if team is not None:
        if not isinstance(team, str) or team not in teams:
            known = ", ".join(teams) or "none"
            raise ValueError(f"{where} needs a “team” that is in [teams] (there: {known})")
        scope: tuple[int, ...] | None = teams[team]
    else:
        scope = None if agents is None else _agents(where, agents)
    if role == "owner" and scope is not None:
        raise ValueError(f"{where} is an owner, who sees all leads: leave “agents” and “team” out, or take manager")
    return Access(role, agents=scope)


def _agents(where: str, ids: Any) -> tuple[int, ...]:
    is_list = isinstance(ids, list) and all(
        isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 2**63 for one in ids
    )
    if not is_list or not ids:
        raise ValueError(f"{where} needs “agents” as a list of public profile ids, such as [90001, 90002]")
    return tuple(ids)
