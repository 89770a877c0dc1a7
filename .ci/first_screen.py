"""Opens the address in a headless Chromium and waits for a filled Overview: `python first_screen.py URL SECONDS`."""

import shutil
import sys

from playwright.sync_api import sync_playwright

url, seconds = sys.argv[1], float(sys.argv[2])
# The page shows what the first sync has read so far, and follows it to its end.
A_QUARTER = """() => {
    const card = document.querySelector('[data-testid="stMetricValue"]')
    return card && Number(card.innerText.replaceAll(',', '')) > 10000
}"""
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
    )
    page = browser.new_page()
    page.goto(url)
    page.locator(".js-plotly-plot").first.wait_for(timeout=seconds * 1000)
    page.wait_for_function(A_QUARTER, timeout=seconds * 1000)
    cards = page.get_by_test_id("stMetricValue").all_inner_texts()
    browser.close()
leads = int(cards[0].replace(",", ""))
sys.stdout.write(f"a filled Overview: {leads} leads on the first card, {len(cards)} cards\n")
sys.exit(0 if leads > 10_000 and len(cards) >= 4 else 1)
