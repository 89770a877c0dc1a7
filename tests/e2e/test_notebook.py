"""As a new user would: from the start page to a saved notebook that a colleague opens by its link."""

from collections.abc import Callable
from html import escape

from playwright.sync_api import Page, expect

from tests.e2e.conftest import AppServer, kpis, settle


def test_a_new_user_makes_saves_and_shares_a_notebook(
    app: AppServer, visit: Callable[[str], Page], open_page: Callable[[str], Page]
) -> None:
    page = visit(app.url)
    page.get_by_role("link", name="Notebook").click()
    expect(page.get_by_role("heading", name="Monday review")).to_be_visible()
    page.get_by_role("button", name="New notebook").click()
    page.get_by_role("button", name="Add text").click()
    page.get_by_role("textbox", name="Words, in Markdown").fill("## Before the meeting\n\nWho waits, and for whom?")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Before the meeting")).to_be_visible()
    page.get_by_role("button", name="Add a metric").click()
    expect(page.get_by_role("heading", name="Leads, by channel")).to_be_visible()
    choose(page, "Metric", "Response rate so far (24\u00a0h)")
    choose(page, "Grouped", "not")
    page.get_by_role("radio", name="Number").click()
    page.get_by_role("button", name="Add SQL").click()
    settle(page)
    page.get_by_role("textbox", name="SQL").fill("-- All leads\nselect count(*) as leads from filtered_leads")
    page.keyboard.press("Control+Enter")
    page.get_by_role("radio", name="Number").last.click()
    expect(page.get_by_test_id("stMetric")).to_have_count(2)
    page.get_by_role("textbox", name="Title").fill("Before the meeting")
    page.get_by_role("textbox", name="Your name").fill("Mona")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Unsaved changes")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved as version 1.")).to_be_visible()
    settle(page)
    numbers = kpis(page)
    assert set(numbers) == {"Response rate so far (24\u00a0h)", "All leads"}

    page.get_by_role("button", name="Share").click()
    link = page.get_by_test_id("stPopoverBody").get_by_test_id("stCode").inner_text().strip()
    assert link.startswith(f"{app.url}/notebook?")
    expect(page.get_by_role("button", name="PDF")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Web page, to read and print").click()
    printed = download.value.path().read_text(encoding="utf-8")
    assert download.value.suggested_filename == "before-the-meeting.html"
    assert all(f"<b>{number}</b>" in printed for number in numbers.values())
    assert escape(link) in printed
    colleague = open_page(link)
    expect(colleague.get_by_role("heading", name="Before the meeting", level=1)).to_be_visible()
    expect(colleague.get_by_text("Who waits, and for whom?")).to_be_visible()
    expect(colleague.get_by_text("saved by Mona")).to_be_visible()
    expect(colleague.get_by_test_id("stMetric")).to_have_count(2)
    assert kpis(colleague) == numbers


def choose(page: Page, label: str, option: str) -> None:
    """Types the option's beginning, as one does in a long list, and takes it."""
    field = page.get_by_test_id("stSelectbox").filter(has_text=label).last.locator("input")
    field.click()
    field.fill(option[:20])
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)
