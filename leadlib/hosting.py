"""What must hold before others may reach the app, and what to do where it does not.

An app on this machine's own address, without sign-in, is somebody's own and is asked nothing. As soon as it listens
beyond this machine, or signs people in (which is what an app behind a proxy does), every row of RULES has to hold.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

STREAMLIT_PIN = "1.67.0"
"""The version in requirements.txt: an older one has not been tested, and may have holes that this one has not."""

SHORTEST_COOKIE_SECRET = 32
_FEWEST_SIGNS = 10
_PLACEHOLDER = re.compile(r"x{6}|change.?me|replace|example|secret|random|password|\.\.\.|…", re.I)
_OTHERS_MAY_READ_OR_WRITE = 0o006


@dataclass(frozen=True)
class Server:
    """The configuration under which the app is about to serve.

    `address` is what it listens on, empty for everything. `cookie_secrets` are those that are set, by the name of the
    setting; they stay out of the repr. `secret_files` are the files of secrets that exist, with their mode bits.
    `has_portal_key` is False for the built-in sandbox, in which there is nobody to protect.
    """

    address: str = "localhost"
    has_sign_in: bool = False
    has_portal_key: bool = False
    cookie_secret: str = ""
    redirect_uris: tuple[str, ...] = ()
    secret_files: tuple[tuple[str, int], ...] = ()
    streamlit: str = STREAMLIT_PIN
    show_error_details: str = "none"
    has_agent_api: bool = False
    has_cors: bool = True
    has_xsrf: bool = True
    trusts_user_headers: bool = False
    is_development: bool = False

    def __repr__(self) -> str:
        return f"Server(address={self.address!r}, has_sign_in={self.has_sign_in})"

    @property
    def is_hosted(self) -> bool:
        """True if others can reach it, as far as the configuration tells."""
        return self.has_sign_in or not is_this_machine(self.address)


@dataclass(frozen=True)
class Rule:
    """One condition: the name of what is wrong if `is_broken`, and what to do about it."""

    name: str
    is_broken: Callable[[Server], bool]
    advice: str


def is_this_machine(host: str) -> bool:
    """True for an address that only programs of this machine can reach."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_weak(secret: str) -> bool:
    return len(secret) < SHORTEST_COOKIE_SECRET or len(set(secret)) < _FEWEST_SIGNS or bool(_PLACEHOLDER.search(secret))


def _is_plain(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return True
    return parts.scheme != "https" and not (parts.scheme == "http" and is_this_machine(host))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


RULES: tuple[Rule, ...] = (
    Rule(
        "no sign-in",
        lambda server: not server.has_sign_in and server.has_portal_key,
        "The app listens beyond this machine, and whoever reaches it would see the leads. Set up [auth] in "
        ".streamlit/secrets.toml, or let it listen on localhost only (server.address).",
    ),
    Rule(
        "weak cookie secret",
        lambda server: server.has_sign_in and _is_weak(server.cookie_secret),
        f"cookie_secret in [auth] is missing, shorter than {SHORTEST_COOKIE_SECRET} characters, or one that others "
        'could guess: with it anybody can sign in as anybody. Make one: python3 -c "import secrets; '
        'print(secrets.token_hex(32))".',
    ),
    Rule(
        "plain redirect_uri",
        lambda server: server.has_sign_in and any(map(_is_plain, server.redirect_uris)),
        "redirect_uri in [auth] must begin with https://: the sign-in would travel readable. Put the app behind a "
        "proxy with a certificate (docs/hosting.md).",
    ),
    Rule(
        "secrets readable by others",
        lambda server: any(mode & _OTHERS_MAY_READ_OR_WRITE for _, mode in server.secret_files),
        "Every user of this machine may read or change the file of secrets. Take that right away: chmod 600 "
        ".streamlit/secrets.toml (or 640, if a group of its own has to read it).",
    ),
    Rule(
        "old Streamlit",
        lambda server: _version(server.streamlit) < _version(STREAMLIT_PIN),
        f"Streamlit is older than {STREAMLIT_PIN}, with which this version was tested. Run pip install -r "
        "requirements.txt.",
    ),
    Rule(
        "error details shown",
        lambda server: server.show_error_details != "none",
        'client.showErrorDetails must be "none": an error\'s trace can carry a row of data.',
    ),
    Rule(
        "agent API on",
        lambda server: server.has_agent_api,
        "server.enableAgentApi must be false: it lets programs drive the app, past what the pages ask.",
    ),
    Rule(
        "CORS protection off",
        lambda server: not server.has_cors,
        "server.enableCORS must be true: without it any web page may open a connection in its visitor's name.",
    ),
    Rule(
        "XSRF protection off",
        lambda server: not server.has_xsrf,
        "server.enableXsrfProtection must be true: without it any web page may post in its visitor's name.",
    ),
    Rule(
        "user headers trusted",
        lambda server: server.trusts_user_headers,
        "server.trustedUserHeaders must not be set: whoever reaches the port could name themselves anybody.",
    ),
    Rule(
        "development mode",
        lambda server: server.is_development,
        "global.developmentMode must be false: it serves another front end, and tells more than it should.",
    ),
)


def refusals(server: Server) -> tuple[Rule, ...]:
    """The rules that this configuration breaks, in the order of RULES; none for an app on this machine alone."""
    return tuple(rule for rule in RULES if rule.is_broken(server)) if server.is_hosted else ()
