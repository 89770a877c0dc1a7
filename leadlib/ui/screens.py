"""The screens, in the menu's order: file, title and icon, and the way from one to another."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from leadlib.access import Access
from leadlib.ui.engine import has_sign_in, is_sandbox

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
    "guest_links": ("Guest links", ":material/link:"),
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


_WHERE_PEOPLE_SIGN_IN = {"guest_links"}
"""Listed where there is a sign-in that a guest link goes past."""

FOR_GUESTS = ("overview", "volume", "funnel", "response_times", "entities", "leagues", "agents")
"""Screens that a guest link may show: counts and rates, no single lead, and nothing that people have written."""


def screen(name: str, *, is_first: bool | None = None) -> StreamlitPage:
    """The screen of pages/<name>.py. `is_first`: the bare address opens it; the first of the table if unsaid."""
    title, icon = _SCREENS[name]
    return st.Page(
        _PAGES / f"{name}.py",
        title=title,
        icon=icon,
        default=name == next(iter(_SCREENS)) if is_first is None else is_first,
        visibility="visible" if _is_listed(name) else "hidden",
    )


def _is_listed(name: str) -> bool:
    return (
        name not in _UNLISTED
        and (name not in _SANDBOX_ONLY or is_sandbox())
        and (name not in _WHERE_PEOPLE_SIGN_IN or has_sign_in())
    )


def may_open(access: Access, name: str) -> bool:
    """True if there is such a screen for who has this access."""
    if access.shared is not None:
        return name in FOR_GUESTS and name in access.shared.pages
    is_scoped = access.agents is not None
    return (
        name in _SCREENS
        and not (is_scoped and name in _OF_ALL_LEADS)
        and not (name in _TO_MANAGE and not access.may_manage)
        and not (name in _WHERE_PEOPLE_SIGN_IN and not access.may_share)
    )


def screens_for(access: Access) -> list[StreamlitPage]:
    """Every screen that somebody may open, for the navigation: any other is not found."""
    names = [name for name in _SCREENS if may_open(access, name)]
    if access.shared is None:
        return [screen(name) for name in names]
    return [screen(name, is_first=name == access.shared.pages[0]) for name in names]


def screens_for_nobody() -> list[StreamlitPage]:
    """The addresses of all screens, for who may enter none: so that a link stays as it is until they have signed in."""
    return [screen(name) for name in _SCREENS]


def name_of(page: StreamlitPage) -> str:
    """The name by which `screen` knows a page that is shown."""
    return page.url_path or next(iter(_SCREENS))
