"""The app in use: rows are chosen and followed, and a sync is asked for."""

import re
from collections.abc import Callable

from playwright.sync_api import Page

from tests.e2e.conftest import AppServer, choose_row, settle


def test_the_leads_behind_a_row_of_a_league_are_as_many_as_the_row_says(
    app: AppServer, visit: Callable[[str], Page]
) -> None:
    page = visit(f"{app.url}/leagues?v=1&type=whatsapp")
    choose_row(page, 0)
    button = page.get_by_role("button", name=re.compile(r"Show the .* of this row"))
    button.wait_for()
    counted = re.search(r"the ([\d,]+)", button.inner_text().replace("\u00a0", " "))
    button.click()
    assert counted is not None
    page.get_by_role("heading", name="Leads", exact=True).wait_for()
    page.get_by_text(re.compile(rf"^Channel WhatsApp · .* · {counted[1]}\s+leads$")).wait_for()


def test_a_chosen_lead_is_still_the_same_one_when_the_rows_change(app: AppServer, visit: Callable[[str], Page]) -> None:
    page = visit(f"{app.url}/leads")
    choose_row(page, 4)
    card = page.locator(".leadlight-facts").first
    card.wait_for()
    facts = dict(line.split("\n") for line in card.locator("div").all_inner_texts())
    page.locator(".st-key-filter_type input").click()
    page.get_by_role("option", name=facts["Channel"], exact=True).click()
    page.keyboard.press("Escape")  # while a list is open, the rest of the page is hidden from readers and from us
    page.wait_for_function("location.search.includes('type=')")
    settle(page)
    assert card.locator("dd").first.inner_text() == facts["Lead"]
    page.get_by_test_id("stPagination").get_by_label("Page 2", exact=True).click()
    page.get_by_text("Choose a row to see the lead in full.").wait_for()


def test_the_button_of_a_sync_rests_while_it_runs_and_the_page_follows(
    app: AppServer, visit: Callable[[str], Page]
) -> None:
    page = visit(f"{app.url}/health")
    button = page.get_by_role("button", name="Read the whole window")
    button.click()
    disabled = """disabled => [...document.querySelectorAll('button')]
        .some(button => button.innerText.includes('whole window') && button.disabled === disabled)"""
    page.wait_for_function(disabled, arg=True)
    page.wait_for_function(disabled, arg=False)
    page.get_by_text("next look in").wait_for()
    assert button.is_enabled()
