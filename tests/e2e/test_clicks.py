"""A mark is clicked, and the table that opens has as many rows as the mark counts."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import AppServer, settle

# The middle of the bar that carries this mark as Plotly has drawn it, how long it is, and what a pointer reads there.
_MIDDLE = """(chart, mark) => {
    const plot = chart.querySelector('.js-plotly-plot')
    const { xaxis, yaxis, _size: room } = plot._fullLayout
    const frame = plot.getBoundingClientRect()
    for (const [place, trace] of plot.data.entries()) {
        const index = (trace.type === 'bar' ? trace.customdata ?? [] : []).findIndex(row => row[0] === mark)
        if (index < 0) continue
        const { p, b, s } = plot.calcdata[place][index]
        const [x, y] = trace.orientation === 'h' ? [b + s / 2, p] : [p, b + s / 2]
        const words = [String(s), ...trace.customdata[index]].at(trace.customdata[index].length > 1 ? -1 : 0)
        return { x: frame.x + room.l + xaxis.c2p(x), y: frame.y + room.t + yaxis.c2p(y), words }
    }
}"""


def test_a_move_of_the_list_under_a_picture_shows_as_many_rows_as_it_says(
    app: AppServer, visit: Callable[[str], Page]
) -> None:
    page = visit(f"{app.url}/funnel?v=1&type=email")
    moves = page.get_by_role("combobox", name="Show the leads of")
    moves.scroll_into_view_if_needed()
    settle(page)
    moves.click()
    option = page.get_by_role("option").filter(has_text="First seen").first
    found = re.search(r"· ([\d,]+)\sleads?$", option.inner_text())
    assert found is not None
    option.click()
    page.get_by_role("heading", name="Leads", exact=True).wait_for()
    page.get_by_text(re.compile(rf"^1–\d+ of {found[1]}\sleads$")).wait_for()
    settle(page)
    (move,) = parse_qs(urlsplit(page.url).query)["move"]
    assert re.fullmatch("first:[a-z]+>[a-z]+:[a-z]+", move)


@pytest.mark.parametrize(
    ("path", "title", "mark", "counted", "query"),
    [
        (
            *("", "Leads a day by channel", "2026-11-12/day/whatsapp", r"^(\d+)$"),
            {"type": ["whatsapp"], "from": ["2026-11-12"], "to": ["2026-11-12"]},
        ),
        ("funnel?v=1&type=email", "All channels", "opened", r"([\d,]+) of [\d,]+ leads", {"reached": ["opened"]}),
        ("volume", "When leads come in", "tue/10", r"([\d,]+)\sleads in all", {"weekday": ["tue"], "hour": ["10"]}),
    ],
    ids=["day", "stage", "hour-of-the-week"],
)
def test_a_click_on_a_mark_shows_as_many_rows_as_it_counts(
    app: AppServer,
    visit: Callable[[str], Page],
    path: str,
    title: str,
    mark: str,
    counted: str,
    query: dict[str, str],
) -> None:
    page = visit(f"{app.url}/{path}")
    chart = page.locator(f".st-key-chart-{title.replace(' ', '-')}")
    chart.locator(".barlayer").wait_for()
    chart.scroll_into_view_if_needed()
    middle = chart.evaluate(_MIDDLE, mark)
    found = re.search(counted, middle["words"])
    assert found is not None
    page.mouse.click(middle["x"], middle["y"])
    page.get_by_role("heading", name="Leads", exact=True).wait_for()
    page.get_by_text(re.compile(rf"^1–\d+ of {found[1]}\sleads$")).wait_for()
    settle(page)
    assert query.items() <= parse_qs(urlsplit(page.url).query).items()
