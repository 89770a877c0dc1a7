"""Rows C of the fault matrix: limits, failing answers, redirects, answers without end. C4 has a home of its own."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from leadlib.api import Client, Pacer, wire
from leadlib.api.circuit import FEW_RETRIES, FIRST_PAUSE_S, LONGEST_PAUSE_S, TRIES_AFTER_A_PAUSE, Circuit
from leadlib.config import Secret, Settings
from leadlib.errors import PortalUnavailableError, RateLimitedError, UnexpectedPayloadError
from leadlib.sandbox import API_KEY, API_SECRET, SandboxServer, SandboxSettings
from leadlib.store import Store
from leadlib.sync import run_sync
from tests.api_doubles import Clock, Portal, answer, client_of, page_body, problem
from tests.conftest import at, lead_json

NOW = at("2026-11-20 09:00")
PLENTY = 10**6


class Wiretap(httpx.HTTPTransport):
    """Notes when each data call goes out by the client's clock, and with which status it came back."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.seen: list[tuple[float, int, str | None]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent_at = self.clock.now
        response = super().handle_request(request)
        if request.url.path == "/v1/leads":
            self.seen.append((sent_at, response.status_code, response.headers.get("retry-after")))
        return response


@dataclass
class Bench:
    """A portal held still, a client whose clock only its own waiting moves, and what went over the wire."""

    portal: SandboxServer
    clock: Clock
    tap: Wiretap
    client: Client


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    """A function that starts a portal with these faults (one dict of options for all), and a client of it."""
    running: list[Bench] = []

    def start(*faults: str, n_leads: int = 300, **options: int) -> Bench:
        portal = SandboxServer(
            SandboxSettings(
                dialect="flat", n_leads=n_leads, frozen_at=NOW, calls_per_minute=PLENTY, faults=frozenset(faults),
                fault_options={f"{faults[0]}.{name}": value for name, value in options.items()},
            )
        ).__enter__()  # fmt: skip
        clock = Clock()
        tap = Wiretap(clock)
        settings = Settings(
            api_url=portal.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET), api_dialect="flat"
        )
        client = Client(settings, transport=tap, monotonic=clock.monotonic, sleep=clock.sleep)
        running.append(Bench(portal, clock, tap, client))
        return running[-1]

    yield start
    for one in running:
        one.client.close()
        one.portal.__exit__(None, None, None)


def shown(one: Bench) -> set[str]:
    return one.portal.truth.lead_ids(NOW)


# C1: too many calls


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [("rate-limit", 30), ("retry-after-date", 30), ("rate-limit", 0)],
    ids=["in seconds", "as a date", "without a word"],
)
def test_C1_storm_of_429_is_waited_out(fault: str, seconds: int, bench: Callable[..., Bench]) -> None:
    """Every third call is refused; not one goes inside what the portal asked to wait, and none is lost."""
    one = bench(fault, every=3, seconds=seconds)
    for _ in range(3):
        assert {lead.lead_id for lead in one.client.iter_leads()} == shown(one)
    refused = [(sent_at, after) for sent_at, status, after in one.tap.seen if status == 429]
    assert len(refused) >= 6
    assert all((after is not None) == (seconds > 0) for _, after in refused)
    sent = [sent_at for sent_at, _, _ in one.tap.seen]
    early = [at for begin, _ in refused for at in sent if begin < at < begin + seconds]
    assert early == []
    assert one.client.pacer.calls_per_minute < 300, "the pace was halved, and halved again"


def test_C1_pace_comes_back_by_a_tenth_a_minute(bench: Callable[..., Bench]) -> None:
    one = bench("rate-limit", every=5)
    for _ in range(5):
        one.client.page(per_page=1)
    after_429 = one.client.pacer.calls_per_minute
    assert after_429 == pytest.approx(300, abs=1)
    one.clock.now += 60
    assert one.client.pacer.calls_per_minute == pytest.approx(after_429 + 60, abs=1)
    one.clock.now += 600
    assert one.client.pacer.calls_per_minute == 600


def test_C1_429_that_never_ends_is_named(bench: Callable[..., Bench]) -> None:
    one = bench("rate-limit", every=1, seconds=60)
    with pytest.raises(RateLimitedError, match="share the portal's limit"):
        one.client.page()
    assert len(one.tap.seen) <= 6


# C2: a portal that fails now and then, and one that is down


@pytest.mark.parametrize("reads", ["slices", "pages"])
def test_C2_reading_comes_to_its_end_though_three_calls_in_ten_fail(
    reads: str,
    bench: Callable[..., Bench],
    store: Store,
    request: pytest.FixtureRequest,
    record_property: Callable[..., None],
) -> None:
    n_leads = 15_000 if request.config.getoption("--matrix") == "full" else 2_500
    one = bench("server-errors", percent=30, n_leads=n_leads)
    if reads == "slices":
        row = run_sync(one.client, store, full=True, now=lambda: NOW)
        assert row.outcome == "complete"
        found = set(store.query("select lead_id from leads")["lead_id"])
    else:
        found = {lead.lead_id for lead in one.client.iter_leads()}
    assert shown(one) - found == set(), "0 lost"
    # Between two pauses only the repeats that say nothing yet: then nobody calls for a minute.
    n_failed = sum(status >= 500 for _, status, _ in one.tap.seen)
    pauses = [
        b - a for (a, _, _), (b, _, _) in zip(one.tap.seen, one.tap.seen[1:], strict=False) if b - a >= FIRST_PAUSE_S
    ]
    assert n_failed > FEW_RETRIES
    assert len(pauses) >= n_failed // (FEW_RETRIES + 1 + wire.MAX_ATTEMPTS_WHILE_OTHERS_WORK)
    record_property("calls, failed, pauses, minutes", (len(one.tap.seen), n_failed, len(pauses), one.clock.now / 60))


def test_C2_few_failures_cost_no_pause(bench: Callable[..., Bench]) -> None:
    one = bench("server-errors", percent=5, n_leads=2_500)
    began = one.clock.now
    for _ in range(5):
        assert {lead.lead_id for lead in one.client.iter_leads()} == shown(one)
    assert one.client.stats.retries > 5
    assert one.clock.now - began < FIRST_PAUSE_S + one.client.stats.calls / 10


def test_C2_portal_that_is_down_is_left_alone_for_longer_and_longer() -> None:
    """Whoever goes on asking gets no answer, and costs no call any more; the portal's first answer ends that."""
    clock = Clock()
    is_down = [True]
    portal = Portal(lambda _: problem(503, "down") if is_down[0] else answer(200, page_body([lead_json("a")])))
    client = client_of(portal, clock)
    for _ in range(20):
        with pytest.raises(PortalUnavailableError):
            client.page()
    # After pauses of 1, 2 and 4 minutes a few calls go ahead; 8 minutes are more than a call waits.
    n_calls = FEW_RETRIES + 1 + 3 * TRIES_AFTER_A_PAUSE
    assert len(portal.data_calls) == n_calls
    with pytest.raises(PortalUnavailableError, match="left alone for another 8 min"):
        client.page()
    assert len(portal.data_calls) == n_calls
    is_down[0] = False
    clock.now += LONGEST_PAUSE_S
    assert client.page().n_rows == 1
    assert client.page().n_rows == 1


def test_C2_pauses_double_up_to_a_quarter_of_an_hour_and_begin_anew_after_an_answer() -> None:
    clock = Clock()
    circuit = Circuit(clock.monotonic)
    for _ in range(FEW_RETRIES):
        assert circuit.wait_s() == 0
        circuit.failed()
    assert circuit.wait_s() == 0
    circuit.failed()
    pauses = []
    for _ in range(6):
        pauses.append(circuit.wait_s())
        clock.now += pauses[-1]
        for _ in range(TRIES_AFTER_A_PAUSE):
            assert circuit.wait_s() == 0
            circuit.failed()
    assert pauses == [60, 120, 240, 480, 900, 900]
    clock.now += circuit.wait_s()
    assert circuit.wait_s() == 0
    circuit.answered()
    assert circuit.wait_s() == 0
    for _ in range(FEW_RETRIES + 1):
        circuit.failed()
    assert circuit.wait_s() == FIRST_PAUSE_S


def test_C2_after_a_pause_one_call_goes_ahead_and_the_others_wait_for_it() -> None:
    clock = Clock()
    circuit = Circuit(clock.monotonic)
    for _ in range(FEW_RETRIES + 1):
        circuit.failed()
    clock.now += FIRST_PAUSE_S
    assert circuit.wait_s() == 0
    waits: list[float] = []
    other = threading.Thread(target=lambda: waits.append(circuit.wait_s()), daemon=True)
    other.start()
    other.join(0.05)
    assert other.is_alive()
    circuit.answered()
    other.join(5)
    assert waits == [0]


def test_C2_repeats_may_be_a_tenth_of_the_calls_of_five_minutes() -> None:
    clock = Clock()
    circuit = Circuit(clock.monotonic)
    for place in range(2_000):
        clock.now += 0.1
        circuit.failed() if place % 11 == 0 else circuit.answered()
        assert circuit.wait_s() == 0
    n_more = 0
    while circuit.wait_s() == 0:
        circuit.failed()
        n_more += 1
    assert n_more == pytest.approx(2_000 * 0.1 - 2_000 / 11, abs=6)


# C3: answers that end badly

PASSING = {"reset": {}, "truncated-gzip": {"every": 3}, "garbage": {}, "truncated": {}, "drip": {"every": 3}}


@pytest.mark.parametrize("fault", PASSING)
def test_C3_answer_that_ends_badly_is_asked_for_again(
    fault: str, bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "BODY_GAP_S", 0.2)
    one = bench(fault, **PASSING[fault])
    one.client.close()
    settings = Settings(api_url=one.portal.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET))
    pacer = Pacer(monotonic=one.clock.monotonic, sleep=one.clock.sleep)
    began_s = time.monotonic()
    # The real clock, for it is real bytes that do not come; waits between attempts are those of a fake one.
    with Client(settings, pacer=pacer, sleep=lambda seconds: None) as client:
        while not client.stats.retries:
            assert {lead.lead_id for lead in client.iter_leads()} == shown(one)
    assert time.monotonic() - began_s < 10


@pytest.mark.parametrize(
    ("fault", "error"),
    [("drip", PortalUnavailableError), ("truncated-gzip", UnexpectedPayloadError)],
)
def test_C3_answer_that_always_ends_badly_is_named(
    fault: str, error: type[Exception], bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "BODY_GAP_S", 0.1)
    one = bench(fault, every=1)
    settings = Settings(api_url=one.portal.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET))
    pacer = Pacer(monotonic=one.clock.monotonic, sleep=one.clock.sleep)
    with Client(settings, pacer=pacer, sleep=lambda seconds: None) as client, pytest.raises(error, match="6 times"):
        client.page()


def test_C3_no_answer_is_waited_for_longer_than_35_seconds() -> None:
    assert max(wire.READ_TIMEOUT_S, wire.ANSWER_TIMEOUT_S) + wire.BODY_GAP_S <= 35


def test_C3_body_that_keeps_trickling_is_cut_by_the_time_for_a_whole_answer(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "ANSWER_TIMEOUT_S", 0.2)
    one = bench("drip", every=1, bytes_per_s=50)
    settings = Settings(api_url=one.portal.url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET))
    began_s = time.monotonic()
    with Client(settings, sleep=lambda seconds: None) as client, pytest.raises(PortalUnavailableError, match="6 times"):
        client.page()
    assert time.monotonic() - began_s < 20, "at 50 bytes a second all of it would take minutes"


# C5: sent elsewhere


class Eavesdropper:
    """Another host: takes whatever is sent to it, and counts the bytes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("localhost", 0))
        self.port: int = self._socket.getsockname()[1]
        self.n_bytes = self.n_connections = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.n_connections += 1
            connection.settimeout(1)
            with contextlib.suppress(OSError):
                self.n_bytes += len(connection.recv(65_536))
            connection.close()

    def close(self) -> None:
        self._socket.close()


def test_C5_nothing_is_sent_to_where_a_redirect_leads(bench: Callable[..., Bench]) -> None:
    elsewhere = Eavesdropper()
    try:
        one = bench("redirect", every=1, port=elsewhere.port)
        with pytest.raises(UnexpectedPayloadError, match="Redirects are not followed"):
            one.client.page()
        assert one.portal.calls["/v1/leads"] == 1
        assert (elsewhere.n_connections, elsewhere.n_bytes) == (0, 0)
        with httpx.Client(trust_env=False) as follower, pytest.raises(httpx.TransportError):
            follower.get(f"http://localhost:{elsewhere.port}/")
        assert elsewhere.n_bytes > 0, "the ear does hear"
    finally:
        elsewhere.close()


# C6: answers without end

READ_HUGE = """
import json, sys, time
from pathlib import Path
from leadlib.api import Client
from leadlib.config import Secret, Settings
from leadlib.errors import LeadlibError
from leadlib.sandbox import API_KEY, API_SECRET

def peak_mib():
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024

growth, errors = [], []
for place, url in enumerate(sys.argv[1:]):
    with Client(Settings(api_url=url, api_key=Secret(API_KEY), api_secret=Secret(API_SECRET))) as client:
        before = peak_mib()
        try:
            client.page()
        except LeadlibError as error:
            errors.append(type(error).__name__ + ": " + str(error))
    growth.append(peak_mib() - before)
print(json.dumps({"growth": growth[1:], "errors": errors}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process's memory is read from /proc")
def test_C6_answer_without_end_is_cut_at_8_mib(
    bench: Callable[..., Bench], record_property: Callable[..., None]
) -> None:
    """The first portal is a sound one, so that what a client needs anyway is not counted."""
    urls = [bench().portal.url, bench("huge-body", every=1).portal.url, bench("huge-body", every=1, gzip=1).portal.url]
    asked = [sys.executable, "-c", READ_HUGE, *urls]
    run = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(run.stdout)
    assert [
        re.match(r"UnexpectedPayloadError: .* more than 8 MiB", error) is not None for error in found["errors"]
    ] == [
        True,
        True,
    ]
    assert max(found["growth"]) < 64
    record_property("growth_mib", found["growth"])
