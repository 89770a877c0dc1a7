"""Who is at the other end: what the sign-in provider says of them, and what they may by the host's file of people.

Nobody signs in where no provider is set. Then everybody is the owner, as on one's own machine.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit.auth_util import is_authlib_installed
from streamlit.errors import StreamlitSecretNotFoundError

from leadlib.access import Access, People, Shared
from leadlib.config import Settings
from leadlib.errors import AccessError, SettingsError
from leadlib.store import GuestLink

SESSION = timedelta(hours=8)
"""After this long everybody has to sign in again: whoever has left meanwhile cannot."""

GUEST_COOKIE = "leadlight_guest"
"""What a browser keeps of a guest link that it has opened; its pages' scripts cannot read it."""

_SHORTEST_SECRET = 32
_NEEDED = ("redirect_uri", "cookie_secret")
_NEEDED_OF_A_PROVIDER = ("client_id", "client_secret", "server_metadata_url")
# Of these Microsoft addresses any tenant's administrator can say that any e-mail address is theirs.
_FOR_ALL_TENANTS = ("/common/", "/organizations/", "/consumers/")


def load_providers() -> tuple[str, ...]:
    """The names of the sign-in providers in Streamlit's own secrets, "default" for one without a name; empty if none.

    Raises SettingsError where they are set in a way that would not hold, or could not work.
    """
    auth = _auth_section()
    if not auth:
        return ()
    if not is_authlib_installed():
        raise SettingsError("[auth] is set, but Authlib is not installed. Install requirements.txt again.", "auth")
    named = {name: part for name, part in auth.items() if isinstance(part, Mapping) and "client_id" in part}
    providers = named or {"default": auth}
    for where, part, names in (
        ("", auth, _NEEDED),
        *((f".{n}", p, _NEEDED_OF_A_PROVIDER) for n, p in providers.items()),
    ):
        missing = next((name for name in names if not str(part.get(name, "")).strip()), None)
        if missing:
            raise SettingsError(f"[auth{where if named else ''}] in secrets.toml lacks {missing}.", "auth")
    if len(str(auth["cookie_secret"])) < _SHORTEST_SECRET:
        raise SettingsError(
            f"cookie_secret under [auth] must be {_SHORTEST_SECRET} characters or more that nobody can guess.", "auth"
        )
    if urlsplit(str(auth["redirect_uri"])).path.rpartition("/")[2] != "oauth2callback":
        raise SettingsError("redirect_uri under [auth] must be the app's address with /oauth2callback.", "auth")
    for part in providers.values():
        if any(words in str(part["server_metadata_url"]) for words in _FOR_ALL_TENANTS):
            raise SettingsError(
                "server_metadata_url under [auth] must name your own tenant: at “common” or “organizations” anybody's "
                "administrator can give out any address.",
                "auth",
            )
    return tuple(providers)


def check(settings: Settings, providers: tuple[str, ...]) -> None:
    """Raises SettingsError where people are named and nobody would be asked who they are: a safety that is none."""
    if settings.people is not None and not providers:
        raise SettingsError(
            "LEADLIB_PEOPLE says who may see what, but nobody signs in: [auth] is missing in .streamlit/secrets.toml. "
            "Set it (docs/access.md), or remove LEADLIB_PEOPLE to show everything to whoever reaches this app.",
            "LEADLIB_PEOPLE",
        )


def access_of(claims: Mapping[str, object], people: People | None, now: datetime) -> Access:
    """What somebody may of whom the provider says this. Raises AccessError with the reason why they have no access."""
    if people is None:
        raise AccessError(
            "no_people",
            "Nobody has access yet: LEADLIB_PEOPLE is not set. Whoever looks after this app names a file of people "
            "there (docs/access.md), then starts it again.",
        )
    if claims.get("is_logged_in") is not True:
        raise AccessError("signed_out", "This app shows leads to those who may see them. Sign in to go on.")
    ends_at = _session_end(claims)
    if ends_at is None or now >= ends_at:
        raise AccessError("expired", "Your session has ended. Sign in again to go on where you were.")
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified", True) not in (True, "true"):
        raise AccessError(
            "unverified",
            "The sign-in provider does not vouch for your e-mail address, so it says nothing here. Verify it there, or "
            "sign in with another account.",
        )
    found = people.access_of(email)
    if found is None:
        raise AccessError(
            "no_role",
            f"{email} has no role here. Ask whoever looks after this app to give you one, or sign in with another "
            "account.",
        )
    return found


def guest_access_of(link: GuestLink | None, people: People | None, now: datetime) -> Access | None:
    """What a guest link opens: never more than its maker saw then and sees now. None once it opens nothing any more.

    That is after its end, and as soon as its maker has no right to share.
    """
    maker = None if link is None or people is None else people.access_of(link.offer.maker)
    if link is None or maker is None or not maker.may_share or not link.is_open(now):
        return None
    offer = link.offer
    agents = offer.agents if maker.agents is None else maker.agents
    if offer.agents is not None and maker.agents is not None:
        agents = tuple(set(offer.agents) & set(maker.agents))
    if agents == ():
        return None
    shared = Shared(link.link_id, offer.title, offer.pages, offer.filters.selected, offer.names_agents)
    return Access("guest", agents=agents, shared=shared)


def guest_key_now() -> str:
    """What the browser of this run has got from a guest link; empty if nothing, and outside of a run."""
    key = st.context.cookies.get(GUEST_COOKIE)
    return key if isinstance(key, str) else ""


def claims_now() -> Mapping[str, object]:
    """What the provider said of whoever this run is for; empty outside of one."""
    return {str(name): value for name, value in st.user.to_dict().items()}


def _session_end(claims: Mapping[str, object]) -> datetime | None:
    """Eight hours from when the provider vouched for them. The token's own end is for its way here, often an hour."""
    issued, expires = (_instant(claims.get(name)) for name in ("iat", "exp"))
    return issued + SESSION if issued is not None else expires


def _instant(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _auth_section() -> Mapping[str, Any]:
    try:
        auth = st.secrets.to_dict().get("auth", {})
    except StreamlitSecretNotFoundError as error:
        if "No secrets found" in str(error):
            return {}
        # Its own words may quote a line, and that line may hold a secret.
        raise SettingsError("A file of secrets cannot be read as TOML.", "secrets.toml") from None
    if not isinstance(auth, Mapping):
        raise SettingsError("[auth] in secrets.toml must be a table.", "auth")
    return auth
