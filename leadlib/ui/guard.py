"""What stands before the pages where people sign in: the page for who may not enter, and who you are in the sidebar."""

import logging

import streamlit as st

from leadlib.access import RIGHTS, Access
from leadlib.engine import Engine
from leadlib.errors import AccessError
from leadlib.ui import sign_in
from leadlib.ui.text import literal, plain

log = logging.getLogger(__name__)

_TITLES = {
    "signed_out": "Sign in",
    "expired": "Sign in again",
    "link_ended": "This link has ended",
    "no_people": "Nobody has access yet",
    "no_role": "You have no access",
    "unverified": "Your address is not verified",
}
_IS_OUT = {"signed_out", "expired", "link_ended"}
_LOGGED = "sign_in_logged"


def draw_refusal(engine: Engine, refused: AccessError) -> None:
    """Why somebody sees nothing, and the way to change that. The page is the same wherever they wanted to go."""
    _log_once(engine, refused.reason)
    with st.container(width=520, gap="medium"):
        st.title(_TITLES.get(refused.reason, "You have no access"), anchor=False)
        plain(str(refused), tone="normal")
        if refused.reason in _IS_OUT:
            draw_ways_in(engine, is_asked=refused.reason != "link_ended")
        elif st.user.to_dict().get("is_logged_in"):
            st.button("Sign out", icon=":material/logout:", key="sign_out", on_click=st.logout)


def draw_ways_in(engine: Engine, *, is_asked: bool) -> None:
    """A button per provider to sign in at; louder where a sign-in is asked for."""
    for provider in engine.providers:
        st.button(
            "Sign in" if provider == "default" else f"Sign in with {literal(provider.capitalize())}",
            type="primary" if is_asked else "tertiary",
            icon=":material/login:",
            key=f"sign_in_{provider}",
            on_click=st.login,
            args=(provider,),
        )


def draw_who(engine: Engine, access: Access) -> None:
    """Who is signed in, what they may, and the way out; nothing where nobody signs in."""
    if not engine.providers:
        return
    _log_once(engine, access.role)
    with st.popover(literal(access.email), icon=":material/account_circle:", width="stretch", key="who"):
        leads = "all leads" if access.agents is None else f"the leads of {_agents(engine, access)}"
        plain(f"Your role here is {access.role}, and you see {leads}. You may:", tone="normal")
        for right in RIGHTS:
            if getattr(access, right.name):
                plain(f"· {right.meaning}")
        st.button("Sign out", icon=":material/logout:", key="sign_out", on_click=_sign_out, args=(engine,))


def _agents(engine: Engine, access: Access) -> str:
    names: dict[int, str] = dict(
        engine.store_for(access).query("select agent_id, name from agents").itertuples(index=False)
    )
    told = [str(names.get(agent, f"#{agent}")) for agent in access.agents or ()]
    return ", ".join(told[:5]) + (f" and {len(told) - 5} more" if len(told) > 5 else "")


def _sign_out(engine: Engine) -> None:
    _log_once(engine, "signed out by themselves")
    st.logout()


def _log_once(engine: Engine, outcome: str) -> None:
    """Tells the log how somebody fared, once per session and outcome; who they are only as a keyed hash."""
    email = str(sign_in.claims_now().get("email", "")).casefold()
    if st.session_state.get(_LOGGED) != (email, outcome):
        st.session_state[_LOGGED] = (email, outcome)
        level = logging.WARNING if outcome in _TITLES.keys() - _IS_OUT else logging.INFO
        log.log(level, "sign-in: %s, person %s", outcome, engine.store.pseudonym(email) if email else "unknown")
