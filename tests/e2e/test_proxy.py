"""S13: a real nginx with the configuration that deploy/ ships, the real app behind it, a real browser before it."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import streamlit
from playwright.sync_api import Browser, Page

from leadlib.sandbox import SandboxServer, SandboxSettings
from tests.conftest import at
from tests.e2e.conftest import AppServer, chromium_path, serve_over
from tests.e2e.proxy import HOST, TEMPLATE, Proxy, serve_proxy, tool


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    tool("nginx")
    settings = SandboxSettings(n_leads=300, frozen_at=at("2026-11-20 09:00"))
    with (
        SandboxServer(settings) as portal,
        serve_over(portal, tmp_path_factory.mktemp("behind-a-proxy")) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def proxy(app: AppServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with serve_proxy(tmp_path_factory.mktemp("nginx"), app.url.removeprefix("http://")) as running:
        yield running


EXPECTED = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/agents?v=1&type=call",
        "/healthz",
        "/_stcore/health",
        "/export/none",
        "/static/none.js",
        "/_stcore/metrics",
    ],
)
def test_every_answer_carries_the_headers_once(proxy: Proxy, path: str) -> None:
    headers = proxy.ask(path).headers
    for name, value in EXPECTED.items():
        assert headers.get_list(name) == [value], name
    policy = headers["content-security-policy"]
    for part in ("default-src 'none'", "connect-src 'self'", "img-src 'self' data: blob:", "frame-ancestors 'none'"):
        assert part in policy.split("; ")
    assert "unsafe-eval" not in policy
    assert "http" not in policy
    assert "camera=()" in headers["permissions-policy"]
    assert re.fullmatch("nginx", headers["server"])


def test_the_policy_allows_the_inline_script_of_the_installed_streamlit_and_no_other() -> None:
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in re.findall(r"<script>(.*?)</script>", page, re.S)
    ]
    script_source = re.search(r"script-src ([^;]*)", TEMPLATE.read_text())
    assert script_source is not None
    assert script_source[1].split() == ["'self'", *hashes]


def test_pages_health_and_events_pass_and_the_rest_of_streamlit_does_not(proxy: Proxy) -> None:
    assert proxy.ask("/").status_code == 200
    assert proxy.ask("/healthz").json()["status"] == "ok"
    for path in (
        "/_stcore/metrics",
        "//_stcore/metrics",
        "/%5fstcore/metrics",
        "/_stcore/METRICS",
        "/x/../_stcore/metrics",
        "/agents/_stcore/metrics",
        "/_stcore/agent/openapi.json",
        "/_stcore/agent/interact",
        "/_stcore/agent/mcp",
        "/_stcore/upload_file/a/b",
        "/_stcore/script-health-check",
    ):
        assert proxy.ask(path).status_code == 404, path
        assert proxy.ask(path, "POST", content=b"{}").status_code in {404, 405}, path


def test_events_reach_the_app_signed_or_not_and_too_large_ones_do_not(proxy: Proxy) -> None:
    unsigned = proxy.ask("/webhooks/leads", "POST", content=b"{}")
    assert (unsigned.status_code, unsigned.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert proxy.ask("/webhooks/leads").status_code == 403
    assert proxy.ask("/webhooks/leads", "POST", content=b"x" * 300_000).status_code == 413
    assert proxy.ask("/", "POST", content=b"x" * 1_100_000).status_code == 413


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        pytest.param({"Origin": f"https://{HOST}"}, 101, id="ours"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="foreign"),
        pytest.param({"Origin": f"http://{HOST}"}, 403, id="plain http"),
        pytest.param({"Origin": f"https://{HOST}.evil.example"}, 403, id="look-alike"),
        pytest.param({"Origin": f"https://{HOST}:8443"}, 403, id="other port"),
        pytest.param({"Origin": "null"}, 403, id="a sandboxed frame"),
        pytest.param({}, 403, id="none"),
    ],
)
def test_only_our_own_pages_open_a_websocket(proxy: Proxy, origin: dict[str, str], status: int) -> None:
    assert proxy.open_websocket(**origin) == status


def test_other_names_get_nothing_and_plain_http_is_sent_to_https(proxy: Proxy) -> None:
    with pytest.raises(httpx.TransportError):
        proxy.ask("/", host="evil.example")
    with pytest.raises(httpx.TransportError), httpx.Client(verify=False) as client:  # noqa: S501
        client.get(f"https://127.0.0.1:{proxy.port}/")  # by its number, so without a name in the handshake
    plain = f"http://127.0.0.1:{proxy.plain_port}/agents?v=1"
    moved = httpx.get(plain, headers={"Host": HOST})
    assert (moved.status_code, moved.headers["location"]) == (301, f"https://{HOST}/agents?v=1")
    with pytest.raises(httpx.TransportError):
        httpx.get(plain, headers={"Host": "evil.example"})


def test_the_log_keeps_no_query_and_no_ticket(proxy: Proxy) -> None:
    proxy.ask("/export/a-ticket-of-somebody?x=canary")
    proxy.ask("/leads?v=1&agent=canary")
    text = proxy.log.read_text()
    assert "GET /export/- 404" in text
    assert "/leads 200" in text
    assert "canary" not in text
    assert "a-ticket" not in text


@pytest.fixture
def open_behind(chromium: Browser, proxy: Proxy) -> Iterator[Callable[[str], tuple[Page, list[str]]]]:
    """A function that opens a path of the public name, in a browser whose lookups lead to the proxy."""
    browser = chromium.browser_type.launch(
        executable_path=chromium_path(),
        args=["--no-sandbox", "--disable-gpu", f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{proxy.port}"],
    )
    said: list[str] = []

    def open_one(path: str) -> tuple[Page, list[str]]:
        page = browser.new_context(ignore_https_errors=True, viewport={"width": 1360, "height": 900}).new_page()
        page.on(
            "console",
            lambda message: (
                said.append(f"{message.text} {message.location['url']}") if message.type == "error" else None
            ),
        )
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"https://{HOST}{path}")
        # By selectors alone: what waits for a function puts one together from text, which the policy forbids.
        page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=30_000)
        page.locator(".stApp[data-test-script-state=notRunning]").wait_for(timeout=30_000)
        return page, said

    yield open_one
    browser.close()


def test_a_page_loads_behind_the_proxy_draws_its_charts_and_breaks_no_policy(
    open_behind: Callable[[str], tuple[Page, list[str]]],
) -> None:
    page, said = open_behind("/agents?v=1")
    assert page.get_by_role("heading", name="Agents", exact=True).is_visible()
    assert page.locator(".js-plotly-plot .main-svg").first.is_visible()
    # Below a deep link Streamlit looks for itself under the page's own path first, and finds it one step up.
    assert [line for line in said if not re.search(r" 404 .*/agents/_stcore/(health|host-config)$", line)] == []
