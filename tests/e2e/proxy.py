"""A real nginx with the configuration that deploy/ ships, on ports of its own."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx
import pytest

from tests.e2e.conftest import ROOT

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


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def serve_proxy(
    folder: Path, app: str, beside: str = "", changes: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Proxy]:
    """nginx in front of `app`: an address, or the name of an upstream in the configuration `beside` the shipped one.

    `changes` are more replacements in the shipped one.
    """
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
        "${LEADLIGHT_APP}": app,
        "listen 80": f"listen 127.0.0.1:{running.plain_port}",
        "listen 443": f"listen 127.0.0.1:{running.port}",
        "/etc/leadlight/tls": str(folder),
        "/var/log/nginx/leadlight.log": str(running.log),
        **changes,
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    assert "${" not in text
    (folder / "site.conf").write_text(f"{beside}\n{text}")
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
