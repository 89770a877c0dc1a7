"""What a newcomer has to know at first glance: that no lead here is real, and how to see their own."""

import streamlit as st

from leadlib.engine import Engine
from leadlib.ui.text import plain

_SECRETS = '[leadlib]\napi_key = "…"\napi_secret = "…"'


def draw(engine: Engine) -> None:
    """One line over every page of the sandbox; nothing where a real account is connected."""
    if not engine.is_sandbox:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="sandbox_note"):
        st.badge("Sandbox", icon=":material/science:", color="orange")
        st.caption("A planted brokerage, no real lead in it.", width="content")
        with st.popover("Connect your account", type="tertiary", icon=":material/key:", key="connect"):
            plain(
                "In Property Finder's Expert, under Developer Resources, make a key of type “API Integration” with "
                "the scope leads:read. Put it into .streamlit/secrets.toml and start the app again:",
                tone="normal",
            )
            st.code(_SECRETS, language="toml")
            plain("The README's section “Connect your account” says more.")
