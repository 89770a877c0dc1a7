"""The screens, in the menu's order: file, title and icon, and the way from one to another."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from leadlib.access import Access
from leadlib.ui.engine import is_sandbox

_PAGES = Path(__file__).resolve().parents[2] / "pages"
_SCREENS = {
    "overview": ("Overview", ":material/dashboard:"),
    "queue": ("Rescue queue", ":material/sos:"),
    "volume": ("Volume", ":material/bar_chart:"),
    "changes": ("Why did it change", ":material/stacked_bar_chart:"),
    "funnel": ("Funnel", ":material/filter_alt:"),
    "response_times": ("Time to respond", ":material/timer:"),
    "entities": ("Entities", ":material/home_work:"),
    "leagues": ("Listings & projects", ":material/apartment:"),
    "agents": ("Agents", ":material/support_agent:"),
    "agent": ("Agent", ":material/person:"),
    "badges": ("Badges", ":material/workspace_premium:"),
    "notebook": ("Notebook", ":material/menu_book:"),
    "leads": ("Leads", ":material/list_alt:"),
    "health": ("Data health", ":material/health_and_safety:"),
    "privacy": ("Privacy", ":material/shield_person:"),
    "calibration": ("Calibration", ":material/science:"),
}


_UNLISTED = {"agent"}
"""Reached from a row or a point, not from the menu."""

_SANDBOX_ONLY = {"calibration"}
"""Listed where leads are planted; elsewhere the page says that it has nothing to say."""

_OF_ALL_LEADS = {"health", "privacy", "calibration"}
"""Screens that speak of the whole account: not for who sees the leads of some agents."""

_TO_MANAGE = {"privacy", "calibration"}
"""Screens for whoever looks after the installation."""


def screen(name: str) -> StreamlitPage:
    """The screen of pages/<name>.py; the first of the table is the one that the bare address opens."""
    title, icon = _SCREENS[name]
    return st.Page(
        _PAGES / f"{name}.py",
        title=title,
        icon=icon,
        default=name == next(iter(_SCREENS)),
        visibility="visible" if _is_listed(name) else "hidden",
    )


def _is_listed(name: str) -> bool:
    return name not in _UNLISTED and (name not in _SANDBOX_ONLY or is_sandbox())


def may_open(access: Access, name: str) -> bool:
    """True if there is such a screen for who has this access."""
    is_scoped = access.agents is not None
    return (
        name in _SCREENS
        and not (is_scoped and name in _OF_ALL_LEADS)
        and not (name in _TO_MANAGE and not access.may_manage)
    )


def screens_for(access: Access) -> list[StreamlitPage]:
    """Every screen that somebody may open, for the navigation: any other is not found."""
    return [screen(name) for name in _SCREENS if may_open(access, name)]


def screens_for_nobody() -> list[StreamlitPage]:
    """The addresses of all screens, for who may enter none: so that a link stays as it is until they have signed in."""
    return [screen(name) for name in _SCREENS]


def name_of(page: StreamlitPage) -> str:
    """The name by which `screen` knows a page that is shown."""
    return page.url_path or next(iter(_SCREENS))
