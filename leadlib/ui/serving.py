"""The configuration under which Streamlit is about to serve, as leadlib/hosting.py wants to know it."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from leadlib.config import HOME, load_settings
from leadlib.errors import LeadlibError
from leadlib.hosting import Server


def server() -> Server:
    """What is configured at the moment: options from everywhere, and `[auth]` of the secrets."""
    auth = _auth()
    return Server(
        address=str(st.get_option("server.address") or ""),
        has_sign_in=bool(auth),
        has_portal_key=_has_portal_key(),
        cookie_secret=str(auth.get("cookie_secret", "")),
        redirect_uris=tuple(_named("redirect_uri", auth)),
        secret_files=tuple((str(path), stat.S_IMODE(path.stat().st_mode)) for path in _secret_files()),
        streamlit=st.__version__,
        show_error_details=str(st.get_option("client.showErrorDetails")).lower(),
        has_agent_api=bool(st.get_option("server.enableAgentApi")),
        has_cors=bool(st.get_option("server.enableCORS")),
        has_xsrf=bool(st.get_option("server.enableXsrfProtection")),
        trusts_user_headers=bool(st.get_option("server.trustedUserHeaders")),
        is_development=bool(st.get_option("global.developmentMode")),
    )


def _auth() -> Mapping[str, object]:
    try:
        found = st.secrets.get("auth", {})
    except StreamlitSecretNotFoundError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _named(name: str, section: Mapping[str, object]) -> Iterator[str]:
    """The values of this name in a section and in its tables, of which each may be a provider."""
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from _named(name, value)
        elif key == name:
            yield str(value)


def _secret_files() -> list[Path]:
    named = {Path(name) for name in st.get_option("secrets.files")} | {HOME / ".streamlit" / "secrets.toml"}
    return sorted(path for path in named if path.exists())


def _has_portal_key() -> bool:
    try:
        return load_settings().has_credentials
    except LeadlibError:
        return True  # settings that cannot be read may hold one
