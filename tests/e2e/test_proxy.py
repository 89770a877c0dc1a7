"""S13: a real nginx with the configuration that deploy/ ships, the real app behind it, a real browser before it."""

import base64
import hashlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import streamlit
from playwright.sync_api import Browser, Page

from leadlib.sandbox import SandboxServer, SandboxSettings
from tests.conftest import at
from tests.e2e.conftest import ROOT, AppServer, chromium_path, serve_over

HOST = "leads.example.com"
TEMPLATE = ROOT / "deploy" / "nginx.conf.template"
MAIN = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def tool(name: str) -> str:
    """Its path; without it the test is skipped, unless LEADLIB_REQUIRE_BROWSER=1."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None:
        if os.environ.get("LEADLIB_REQUIRE_BROWSER") == "1":
            pytest.fail(f"LEADLIB_REQUIRE_BROWSER=1, but there is no {name}")
        pytest.skip(f"no {name} on this machine: install it to test the configuration of the proxy")
    return path


@dataclass(frozen=True)
class Proxy:
    """A running nginx: the ports that stand for 80 and 443, and where its log goes."""

    plain_port: int
    port: int
    log: Path

    def ask(self, path: str, method: str = "GET", host: str = HOST, **options: object) -> httpx.Response:
        """What it answers to a request for `path`, as a client that has looked up `host` would send it."""
        headers = {"Host": host, **options.pop("headers", {})}  # type: ignore[dict-item]
        # The certificate is the test's own; what is checked here is everything else.
        with httpx.Client(verify=False) as client:  # noqa: S501
            url = f"https://127.0.0.1:{self.port}{path}"
            return client.request(method, url, headers=headers, extensions={"sni_hostname": HOST}, **options)  # type: ignore[arg-type]

    def open_websocket(self, **headers: str) -> int:
        """The status with which the request for a WebSocket is answered: 101 if it is opened."""
        asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", **headers}
        return self.ask(
            "/_stcore/stream", headers={**asked, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        ).status_code


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    tool("nginx")
    settings = SandboxSettings(n_leads=300, frozen_at=at("2026-11-20 09:00"))
    with (
        SandboxServer(settings) as portal,
        serve_over(portal, tmp_path_factory.mktemp("behind-a-proxy")) as running,
    ):
        yield running


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def proxy(app: AppServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    certificate = ["-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem", "-subj", f"/CN={HOST}"]
    subprocess.run(
        [
            tool("openssl"),
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            *certificate,
        ],
        check=True,
        capture_output=True,
    )
    running = Proxy(free_port(), free_port(), folder / "access.log")
    text = TEMPLATE.read_text()
    for old, new in {
        "${LEADLIGHT_HOST}": HOST,
        "${LEADLIGHT_APP}": app.url.removeprefix("http://"),
        "listen 80": f"listen 127.0.0.1:{running.plain_port}",
        "listen 443": f"listen 127.0.0.1:{running.port}",
        "/etc/leadlight/tls": str(folder),
        "/var/log/nginx/leadlight.log": str(running.log),
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    assert "${" not in text
    (folder / "site.conf").write_text(text)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    command = [tool("nginx"), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                running.ask("/_stcore/health")
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline, (folder / "error.log").read_text()
                time.sleep(0.05)
        yield running
    finally:
        process.terminate()
        process.wait(10)


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
