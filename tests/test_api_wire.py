"""One call: its headers, its retries, its caps, and what each refusal is called."""

import gzip
import itertools
import json
import logging
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from leadlib.api import Client, Stats
from leadlib.config import Secret, Settings
from leadlib.errors import (
    BadRequestError,
    CredentialsError,
    LeadlibError,
    NotFoundError,
    PortalRefusedError,
    PortalUnavailableError,
    RateLimitedError,
    ScopeError,
    SettingsError,
    UnexpectedPayloadError,
)
from leadlib.filters import Filters
from tests.api_doubles import (
    CANARIES,
    KEY,
    NAME,
    PHONE,
    SECRET,
    TOKEN,
    URL,
    Body,
    Clock,
    Portal,
    Reply,
    answer,
    client_of,
    page_body,
    problem,
    scripted,
    token_answer,
)
from tests.conftest import lead_json


def one_page() -> httpx.Response:
    return answer(200, page_body([lead_json("message_lead_1")]))


LEGACY_400 = {
    "title": "Invalid request", "detail": "One query parameter is out of range.", "type": "SCHEMA_VALIDATION",
    "errors": [{"detail": "perPage must be 50 or less", "pointer": "/perPage"}],
}  # fmt: skip


# What is sent


def test_a_data_call_carries_the_token_and_asks_for_the_new_error_format() -> None:
    portal = Portal(scripted(one_page()))
    client_of(portal).page()
    (request,) = portal.data_calls
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["x-pf-error-format"] == "problem-json-v2"
    assert request.headers["accept-encoding"] == "gzip"
    assert str(request.url) == f"{URL}/v1/leads?page=1&perPage=50"


def test_the_token_call_holds_exactly_the_key_and_its_secret() -> None:
    portal = Portal(scripted(one_page()))
    client_of(portal).page()
    (request,) = portal.token_calls
    assert request.method == "POST"
    assert json.loads(request.content) == {"apiKey": KEY, "apiSecret": SECRET}
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers


def test_the_shown_url_is_the_sent_one_with_brackets_encoded() -> None:
    portal = Portal(scripted(one_page()))
    client = client_of(portal, dialect="filter")
    client.page(filters=Filters.of({"status": ["sent", "opened"], "listing": ["ÉX/1 &=+#"]}))
    sent = str(portal.data_calls[0].url)
    assert "filter%5Bstatus%5D=opened%2Csent" in sent
    params = [
        ("page", "1"),
        ("perPage", "50"),
        ("filter[status]", "opened,sent"),
        ("filter[listingReference]", "ÉX/1 &=+#"),
    ]
    assert client.request_url(params) == sent


def test_redirects_are_refused_and_the_token_goes_nowhere_else() -> None:
    portal = Portal(scripted(answer(302, {}, {"Location": "https://evil.example/v1/leads"})))
    with pytest.raises(UnexpectedPayloadError, match="Redirects are not followed") as caught:
        client_of(portal).page()
    assert caught.value.status == 302
    assert {request.url.host for request in portal.requests} == {"portal.example"}


def test_a_redirected_token_call_does_not_send_the_key_on() -> None:
    portal = Portal(scripted(), on_token=lambda _: answer(307, {}, {"Location": "https://evil.example/"}))
    with pytest.raises(UnexpectedPayloadError):
        client_of(portal).page()
    assert len(portal.requests) == 1


# Tokens


def test_one_token_serves_many_calls() -> None:
    portal = Portal(lambda _: one_page())
    client = client_of(portal)
    for _ in range(5):
        client.page()
    assert len(portal.token_calls) == 1
    assert client.stats == Stats(calls=6, retries=0, waited_s=0.0, tokens=1)


@pytest.mark.parametrize(("age_s", "n_tokens"), [(1439, 1), (1441, 2)], ids=["before 80 %", "after 80 %"])
def test_a_token_is_renewed_at_80_percent_of_its_life(age_s: float, n_tokens: int) -> None:
    clock = Clock()
    portal = Portal(lambda _: one_page())
    client = client_of(portal, clock)
    client.page()
    clock.now += age_s
    client.page()
    assert len(portal.token_calls) == n_tokens


def test_a_tokens_age_counts_from_before_its_call() -> None:
    clock = Clock()

    def slow_mint(_: httpx.Request) -> httpx.Response:
        clock.now += 20
        return token_answer(expires_in=25)

    portal = Portal(lambda _: one_page(), on_token=slow_mint)
    client = client_of(portal, clock)
    client.page()
    client.page()
    assert len(portal.token_calls) == 2


def test_a_token_that_lives_five_seconds_is_renewed_in_time() -> None:
    clock = Clock()
    minted_at: list[float] = []

    def on_token(_: httpx.Request) -> httpx.Response:
        minted_at.append(clock.now)
        return token_answer(f"t{len(minted_at)}", 5)

    def on_data(request: httpx.Request) -> httpx.Response:
        is_fresh = clock.now - minted_at[-1] < 5 and request.headers["authorization"] == f"Bearer t{len(minted_at)}"
        return one_page() if is_fresh else problem(401, "expired")

    portal = Portal(on_data, on_token)
    client = client_of(portal, clock)
    for _ in range(20):
        client.page()
        clock.now += 1
    assert len(portal.data_calls) == 20, "no call met a 401"
    assert len(portal.token_calls) == 5


def test_a_token_that_ends_while_we_wait_is_renewed_before_the_next_attempt() -> None:
    tokens = iter(["first", "second"])
    replies = scripted(answer(503, {}, {"Retry-After": "100"}), one_page())
    portal = Portal(replies, on_token=lambda _: token_answer(next(tokens), 60))
    client_of(portal).page()
    assert [call.headers["authorization"] for call in portal.data_calls] == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize(
    ("life_s", "renewed_after_s"), [(1800, 1440), (5, 4), (2, 1), (1, 0.5)], ids=["portal", "5 s", "2 s", "1 s"]
)
def test_a_short_token_leaves_a_second_for_rounding(life_s: int, renewed_after_s: float) -> None:
    clock = Clock()
    portal = Portal(lambda _: one_page(), on_token=lambda _: token_answer(expires_in=life_s))
    client = client_of(portal, clock)
    client.page()
    clock.now += renewed_after_s - 0.01
    client.page()
    assert len(portal.token_calls) == 1
    clock.now += 0.02
    client.page()
    assert len(portal.token_calls) == 2


def test_a_401_drops_the_token_mints_once_and_replays_once() -> None:
    tokens = iter(["first", "second"])
    portal = Portal(scripted(problem(401, "expired"), one_page()), on_token=lambda _: token_answer(next(tokens)))
    assert client_of(portal).page().n_rows == 1
    assert [call.headers["authorization"] for call in portal.data_calls] == ["Bearer first", "Bearer second"]


def test_a_second_401_is_a_credentials_error_after_two_data_and_two_token_calls() -> None:
    portal = Portal(lambda _: problem(401, "no"))
    with pytest.raises(CredentialsError, match="fresh token") as caught:
        client_of(portal).page()
    assert (caught.value.status, caught.value.trace_id, caught.value.call) == (401, "trace-0001", "GET /v1/leads")
    assert (len(portal.data_calls), len(portal.token_calls)) == (2, 2)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_never_offered_again_soon(status: int) -> None:
    clock = Clock()
    portal = Portal(scripted(), on_token=lambda _: problem(status, "unknown key"))
    client = client_of(portal, clock)
    for _ in range(5):
        with pytest.raises(CredentialsError, match="LEADLIB_API_KEY") as caught:
            client.page()
        assert caught.value.status == status
    assert len(portal.token_calls) == client.stats.calls == 1
    assert clock.slept == []
    clock.now += 301
    with pytest.raises(CredentialsError):
        client.page()
    assert len(portal.token_calls) == 2


def test_a_token_call_that_is_blocked_by_html_says_so() -> None:
    portal = Portal(scripted(), on_token=lambda _: answer(403, raw=b"<html>blocked</html>"))
    with pytest.raises(CredentialsError, match="firewall"):
        client_of(portal).page()


def test_a_token_call_is_retried_when_the_portal_has_trouble() -> None:
    tokens = scripted(problem(503, "down"), httpx.ReadTimeout("slow"), token_answer())
    portal = Portal(scripted(one_page()), on_token=tokens)
    assert client_of(portal).page().n_rows == 1
    assert len(portal.token_calls) == 3


@pytest.mark.parametrize("status", [400, 422])
def test_a_malformed_key_is_not_retried(status: int) -> None:
    portal = Portal(scripted(), on_token=lambda _: problem(status, f"apiKey {KEY} has a wrong form"))
    with pytest.raises(BadRequestError) as caught:
        client_of(portal).page()
    assert KEY not in str(caught.value)
    assert len(portal.token_calls) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"accessToken": "", "expiresIn": 1800},
        {"accessToken": 7, "expiresIn": 1800},
        {"accessToken": "a b", "expiresIn": 1800},
        {"accessToken": "a\nb", "expiresIn": 1800},
        {"accessToken": TOKEN},
        {"accessToken": TOKEN, "expiresIn": "1800"},
        {"accessToken": TOKEN, "expiresIn": True},
        {"accessToken": TOKEN, "expiresIn": 0},
        {"accessToken": TOKEN, "expiresIn": -5},
    ],
    ids=lambda body: json.dumps(body).replace(TOKEN, "t"),
)
def test_a_token_answer_that_cannot_be_used_is_refused(body: Any) -> None:
    portal = Portal(scripted(), on_token=lambda _: answer(200, body))
    with pytest.raises(UnexpectedPayloadError, match="accessToken and expiresIn"):
        client_of(portal).page()


def in_threads(n: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_sixteen_threads_share_one_mint() -> None:
    all_here = threading.Barrier(16)
    portal = Portal(lambda _: one_page())
    client = client_of(portal)
    n_rows: list[int] = []

    def work() -> None:
        all_here.wait()
        n_rows.append(client.page().n_rows)

    in_threads(16, work)
    assert n_rows == [1] * 16
    assert len(portal.token_calls) == 1


def test_sixteen_threads_whose_token_is_refused_share_one_renewal() -> None:
    all_refused = threading.Barrier(16)
    tokens = iter(["old", "new"])

    def on_data(request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"] == "Bearer old":
            all_refused.wait()
            return problem(401, "expired")
        return one_page()

    portal = Portal(on_data, on_token=lambda _: token_answer(next(tokens)))
    client = client_of(portal)
    in_threads(16, lambda: client.page() and None)
    assert len(portal.token_calls) == 2
    assert client.stats.tokens == 2


@pytest.mark.parametrize(("status", "n_calls"), [(401, 1), (500, 6)])
def test_sixteen_threads_that_wait_for_a_token_share_its_failure(status: int, n_calls: int) -> None:
    """Else sixteen threads would each offer a wrong key, or each try six times."""
    all_wait = threading.Event()

    class CountingLock:
        """A lock that tells when sixteen threads hold it or wait for it."""

        def __init__(self) -> None:
            self._lock, self._arrivals = threading.Lock(), itertools.count(1)

        def __enter__(self) -> None:
            if next(self._arrivals) == 16:
                all_wait.set()
            self._lock.acquire()

        def __exit__(self, *_: object) -> None:
            self._lock.release()

    def on_token(_: httpx.Request) -> httpx.Response:
        assert all_wait.wait(5)
        return problem(status, "no")

    portal = Portal(scripted(), on_token=on_token)
    client = client_of(portal)
    client._tokens._lock = CountingLock()
    failures: list[LeadlibError] = []

    def work() -> None:
        with pytest.raises(LeadlibError) as caught:
            client.page()
        failures.append(caught.value)

    in_threads(16, work)
    assert len(failures) == 16
    assert len(portal.token_calls) == n_calls


# A ready-made token


def test_a_ready_token_is_used_without_any_token_call() -> None:
    portal = Portal(scripted(one_page()))
    client_of(portal, api_key=None, api_secret=None, api_token=Secret("ready-token")).page()
    assert portal.token_calls == []
    assert portal.data_calls[0].headers["authorization"] == "Bearer ready-token"


def test_a_ready_token_that_ended_says_that_a_key_renews() -> None:
    portal = Portal(scripted(problem(401, "expired")))
    with pytest.raises(CredentialsError, match=r"cannot be renewed.*a key renews") as caught:
        client_of(portal, api_key=None, api_secret=None, api_token=Secret("ready-token")).page()
    assert "ready-token" not in str(caught.value)
    assert len(portal.requests) == 1


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "é", "a\x00b"])
def test_a_ready_token_that_no_header_can_carry_is_a_settings_error_without_the_token(token: str) -> None:
    with pytest.raises(SettingsError) as caught:
        client_of(scripted(), api_key=None, api_secret=None, api_token=Secret(token))
    assert caught.value.name == "LEADLIB_API_TOKEN"
    assert token not in str(caught.value)


def test_a_client_without_credentials_is_refused_by_the_settings_name() -> None:
    with pytest.raises(SettingsError) as caught:
        Client(Settings())
    assert caught.value.name == "LEADLIB_API_KEY"


# Retries

TRANSIENT: list[tuple[str, Callable[[], Reply]]] = [
    ("429", lambda: problem(429, "slow down")),
    ("500", lambda: problem(500, "oops")),
    ("502", lambda: answer(502, raw=b"<html>bad gateway</html>")),
    ("503", lambda: answer(503, raw=b"")),
    ("504", lambda: problem(504, "late")),
    ("connect timeout", lambda: httpx.ConnectTimeout("slow")),
    ("read timeout", lambda: httpx.ReadTimeout("slow")),
    ("refused", lambda: httpx.ConnectError("refused")),
    ("reset", lambda: httpx.ReadError("reset")),
    ("reset mid-body", lambda: httpx.Response(200, stream=Body([b'{"data": [', httpx.ReadError("reset")]))),
    ("closed early", lambda: httpx.RemoteProtocolError("closed")),
    ("html 200", lambda: answer(200, raw=b"<!doctype html><title>One moment</title>")),
    ("empty 200", lambda: answer(200, raw=b"")),
    ("truncated 200", lambda: answer(200, raw=json.dumps(page_body([lead_json("x")])).encode()[:-20])),
    (
        "truncated gzip",
        lambda: answer(200, raw=gzip.compress(b'{"data": []}')[:-4], headers={"Content-Encoding": "gzip"}),
    ),
    ("no gzip at all", lambda: answer(200, raw=b"plain", headers={"Content-Encoding": "gzip"})),
    ("endless nesting", lambda: answer(200, raw=b"[" * 100_000)),
]


@pytest.mark.parametrize("failure", [make for _, make in TRANSIENT], ids=[name for name, _ in TRANSIENT])
def test_what_may_pass_is_tried_again(failure: Callable[[], Reply]) -> None:
    clock = Clock()
    portal = Portal(scripted(failure(), failure(), one_page()))
    client = client_of(portal, clock)
    assert client.page().n_rows == 1
    assert client.stats.retries == 2
    assert clock.slept[:1] == [0.5]


@pytest.mark.parametrize("failure", [make for _, make in TRANSIENT], ids=[name for name, _ in TRANSIENT])
def test_six_attempts_are_the_end(failure: Callable[[], Reply]) -> None:
    portal = Portal(lambda _: failure())
    with pytest.raises(PortalUnavailableError, match="failed 6 times") as caught:
        client_of(portal).page()
    assert len(portal.data_calls) == 6
    assert caught.value.call == "GET /v1/leads"


def test_the_waits_grow_by_doubling_and_stop_at_a_minute() -> None:
    clock = Clock()
    with pytest.raises(PortalUnavailableError):
        client_of(lambda _: problem(500, "oops"), clock).page()
    assert clock.slept == [0.5, 1, 2, 4, 8]


def test_the_waits_are_drawn_from_zero_up() -> None:
    clock = Clock()
    client = Client(
        client_of(scripted())._settings, transport=httpx.MockTransport(Portal(lambda _: problem(500, "oops"))),
        monotonic=clock.monotonic, sleep=clock.sleep,
    )  # fmt: skip
    with pytest.raises(PortalUnavailableError):
        client.page()
    assert all(wait <= most for wait, most in zip(clock.slept, [0.5, 1, 2, 4, 8], strict=True))
    assert len(set(clock.slept)) == 5


def test_too_many_429s_are_named_with_what_the_portal_asked() -> None:
    reply = {"status": 429, "headers": {"Retry-After": "7"}}
    with pytest.raises(RateLimitedError, match="LEADLIB_CALLS_PER_MINUTE") as caught:
        client_of(lambda _: answer(reply["status"], {}, reply["headers"])).page()
    assert (caught.value.status, caught.value.retry_after_s) == (429, 7.0)


def test_a_200_that_is_never_json_is_an_unexpected_payload() -> None:
    with pytest.raises(UnexpectedPayloadError, match="is not JSON"):
        client_of(lambda _: answer(200, raw=b"<html>")).page()


@pytest.mark.parametrize(
    ("retry_after", "waits_s"),
    [
        ("3", 3.0),
        ("0", 0.5),
        ("100000", 120.0),
        ("9" * 400, 120.0),
        ("Sun, 20 Sep 2026 12:00:09 GMT", 9.0),
        ("Sun, 20 Sep 2026 13:00:00 GMT", 120.0),
        ("Sun, 20 Sep 2026 11:00:00 GMT", 0.5),
        ("soon", 0.5),
        ("-5", 0.5),
        ("1.5", 0.5),
        ("", 0.5),
    ],
)
def test_retry_after_is_obeyed_up_to_a_cap(retry_after: str, waits_s: float) -> None:
    """A date is read against the Date of the same answer, so a wrong clock here does not matter."""
    clock = Clock()
    portal = Portal(scripted(answer(503, {}, {"Retry-After": retry_after}), one_page()))
    client_of(portal, clock).page()
    assert clock.slept[0] == pytest.approx(waits_s)


def test_after_a_429_no_call_of_any_thread_goes_inside_retry_after() -> None:
    clock = Clock()
    sent_at: list[float] = []
    replies = scripted(one_page(), answer(429, {}, {"Retry-After": "30"}), one_page(), one_page())

    def on_data(request: httpx.Request) -> Reply:
        sent_at.append(clock.now)
        return replies(request)

    client = client_of(on_data, clock)
    client.page()
    client.page()
    client.page()
    assert sent_at[2] - sent_at[1] >= 30
    assert client.pacer.calls_per_minute < 600


def test_a_429_slows_down_the_pacer_of_all_threads_for_as_long_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(scripted(answer(429, {}, {"Retry-After": "30"}), answer(429, {}), problem(503, "x"), one_page()))
    signals: list[tuple[float, float]] = []
    monkeypatch.setattr(client.pacer, "slow_down", lambda *signal: signals.append(signal))
    client.page()
    assert signals == [(1000.0, 30.0), (1030.0, 0.0)]


def test_long_waits_end_a_call_before_its_six_attempts() -> None:
    clock = Clock()
    portal = Portal(lambda _: answer(503, {}, {"Retry-After": "120"}))
    with pytest.raises(PortalUnavailableError):
        client_of(portal, clock).page()
    assert len(portal.data_calls) == 3
    assert sum(clock.slept) <= 300


def test_a_body_that_trickles_in_is_cut_off() -> None:
    clock = Clock()

    def drip() -> Any:
        for _ in range(100):
            clock.now += 1
            yield b" "

    portal = Portal(scripted(httpx.Response(200, stream=Body(drip())), one_page()))
    start = clock.now
    client_of(portal, clock).page()
    assert clock.now - start < 40


# Refusals


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (lambda: answer(400, LEGACY_400), BadRequestError, "perPage must be 50 or less"),
        (lambda: problem(422, "createdAtFrom is more than 3 months ago"), BadRequestError, "more than 3 months"),
        (lambda: problem(403, "scope missing"), ScopeError, "leads:read"),
        (lambda: answer(403, raw=b"<html>blocked</html>"), ScopeError, "firewall"),
        (lambda: answer(403, raw=b""), ScopeError, "leads:read"),
        (lambda: problem(404, "gone"), NotFoundError, "no such thing"),
        (lambda: problem(409, "conflict"), PortalRefusedError, "409"),
        (lambda: problem(418, "teapot"), PortalRefusedError, "418"),
        (lambda: problem(501, "not made"), PortalUnavailableError, "501"),
        (lambda: answer(204, raw=b""), UnexpectedPayloadError, "204"),
        (lambda: answer(200, []), UnexpectedPayloadError, "`data`"),
        (lambda: answer(200, {"data": []}), UnexpectedPayloadError, "`pagination`"),
        (lambda: answer(200, {"data": {}, "pagination": {}}), UnexpectedPayloadError, "`data`"),
        (lambda: answer(200, None), UnexpectedPayloadError, "`data`"),
    ],
    ids=[
        "400 legacy", "422 v2", "403 v2", "403 html", "403 empty", "404", "409", "418", "501", "204", "list",
        "no pagination", "data is no list", "null",
    ],
)  # fmt: skip
def test_a_refusal_is_raised_once_under_its_name(
    reply: Callable[[], httpx.Response], error: type[LeadlibError], words: str
) -> None:
    portal = Portal(scripted(reply()))
    with pytest.raises(error) as caught:
        client_of(portal).page()
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert len(portal.data_calls) == 1, "nothing here is worth another attempt"


def test_the_trace_id_of_the_new_format_is_kept() -> None:
    with pytest.raises(BadRequestError) as caught:
        client_of(scripted(problem(422, "no", trace_id="0000abcd"))).page()
    assert (caught.value.trace_id, caught.value.status) == ("0000abcd", 422)


@pytest.mark.parametrize(
    "attributes", [None, [], {}, {"trace_id": 7}, {"trace_id": "x" * 100}, {"trace_id": "a\nb"}, {"trace_id": PHONE}]
)
def test_a_trace_id_that_is_none_is_not_kept(attributes: Any) -> None:
    with pytest.raises(BadRequestError) as caught:
        client_of(scripted(answer(422, {"status": 422, "code": "x", "attributes": attributes}))).page()
    assert caught.value.trace_id is None


@pytest.mark.parametrize(
    "body", [None, [], "text", 7, {"errors": 7}, {"errors": [7, {}]}, {"detail": 7}, {"detail": " "}]
)
def test_an_error_body_of_any_shape_is_survived(body: Any) -> None:
    with pytest.raises(BadRequestError, match=r"refused with 400\. "):
        client_of(scripted(answer(400, body))).page()


def test_a_refusal_does_not_repeat_people_or_keys_that_the_portal_quotes() -> None:
    quoted = f"senderPhone {PHONE} or +971 50 000 0001, a.person@example.com, {KEY} is wrong"
    with pytest.raises(BadRequestError) as caught:
        client_of(scripted(problem(422, quoted))).page()
    for secret in (PHONE, "50 000", "a.person", KEY):
        assert secret not in str(caught.value)
    assert "senderPhone" in str(caught.value)


# Size


def test_an_answer_of_more_than_8_mib_is_cut_and_not_asked_again() -> None:
    n_read = [0]

    def endless() -> Any:
        while True:
            n_read[0] += 2**16
            yield b" " * 2**16

    portal = Portal(scripted(httpx.Response(200, stream=Body(endless()))))
    with pytest.raises(UnexpectedPayloadError, match="8 MiB"):
        client_of(portal).page()
    assert n_read[0] <= 8 * 2**20 + 2**17


def test_a_gzip_bomb_is_cut_before_it_is_unpacked() -> None:
    bomb = gzip.compress(b" " * 2**25, compresslevel=9)
    assert len(bomb) < 2**16, "it fits into one piece from the socket"
    client = client_of(scripted(answer(200, raw=bomb, headers={"Content-Encoding": "gzip"})))
    tracemalloc.start()
    try:
        with pytest.raises(UnexpectedPayloadError, match="8 MiB"):
            client.page()
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()


def test_a_gzip_answer_in_small_pieces_is_unpacked() -> None:
    packed = gzip.compress(json.dumps(page_body([lead_json(f"l{i}") for i in range(50)])).encode())
    pieces = [packed[i : i + 7] for i in range(0, len(packed), 7)]
    reply = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Body(pieces))
    assert client_of(scripted(reply)).page().n_rows == 50


def test_an_encoding_that_was_not_offered_is_refused() -> None:
    with pytest.raises(UnexpectedPayloadError, match="'br'"):
        client_of(scripted(answer(200, {}, {"Content-Encoding": "br"}))).page()


def test_a_transport_that_hands_over_whole_bodies_works_too() -> None:
    reply = httpx.Response(200, json=page_body([lead_json("l1")]))
    assert client_of(scripted(reply)).page().n_rows == 1


# Odd JSON


@pytest.mark.parametrize(
    "written",
    ["NaN", "-Infinity", "1e999", "9" * 5000, '"\\ud800"', '"\\u0000"', '"caf\\u00e9"'],
    ids=["nan", "infinity", "huge float", "huge int", "lone surrogate", "nul", "accent"],
)
def test_an_odd_value_in_one_row_does_not_cost_the_page(written: str) -> None:
    raw = json.dumps(page_body([lead_json("l1"), lead_json("l2", odd="HERE")])).replace('"HERE"', written)
    page = client_of(scripted(answer(200, raw=raw.encode()))).page()
    assert [lead.lead_id for lead in page.leads] == ["l1", "l2"]
    assert [written in lead.raw for lead in page.leads] == [False, True], "the text is kept as it came"
    assert all(lead.raw.encode("utf-8") for lead in page.leads)


def test_a_number_of_5000_digits_as_id_stays_exact() -> None:
    raw = json.dumps(page_body([lead_json("HERE")])).replace('"HERE"', "9" * 5000)
    page = client_of(scripted(answer(200, raw=raw.encode()))).page()
    assert page.leads[0].lead_id == "9" * 5000


@pytest.mark.parametrize("lead_bytes", [b"\xef\xbb\xbf", b""], ids=["with BOM", "without"])
def test_bad_utf8_is_replaced_and_a_bom_is_skipped(lead_bytes: bytes) -> None:
    raw = lead_bytes + json.dumps(page_body([lead_json("l1", status="HERE")])).encode().replace(b"HERE", b"\xff\xfe")
    page = client_of(scripted(answer(200, raw=raw))).page()
    assert page.leads[0].status == "??"
    assert r"\udcff\udcfe" in page.leads[0].raw, "the two bytes can be told from the text that is kept"


# Counting and logging


def test_stats_count_calls_retries_waits_and_tokens() -> None:
    clock = Clock()
    client = client_of(scripted(problem(500, "x"), httpx.ReadError("x"), one_page()), clock)
    client.page()
    assert client.stats == Stats(calls=4, retries=2, waited_s=pytest.approx(1.5), tokens=1)


def test_stats_count_the_time_spent_on_pacing() -> None:
    clock = Clock()
    client = client_of(lambda _: one_page(), clock, calls_per_minute=60)
    for _ in range(10):
        client.page()
    assert client.stats.waited_s == pytest.approx(sum(clock.slept))
    assert client.stats.waited_s > 5


def test_no_log_record_of_a_faulty_run_holds_a_secret_a_query_or_a_person(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {"detail": f"{NAME} {PHONE} {TOKEN} {KEY} {SECRET}", "attributes": {"trace_id": "trace-7"}}
    faults: list[Reply] = [
        answer(429, echo, {"Retry-After": "1"}),
        answer(500, echo),
        httpx.ReadError(f"{NAME} {TOKEN}"),
        answer(200, raw=json.dumps(echo).encode()[:-5]),
        answer(200, page_body([lead_json("l1"), {"id": 1, "sender": {"name": NAME}}])),
        answer(401, echo),
        answer(422, echo),
        answer(403, echo),
        answer(404, echo),
        answer(403, echo),
        answer(302, echo, {"Location": f"https://evil.example/?token={TOKEN}"}),
    ]
    portal = Portal(scripted(*faults))
    with client_of(portal, dialect="flat") as client:
        client.page(filters=Filters.of({"listing": ["EX-QUERY-CANARY"]}))
        for _ in range(3):
            with pytest.raises(LeadlibError) as caught:
                client.page(filters=Filters.of({"listing": ["EX-QUERY-CANARY"]}))
            assert not [canary for canary in CANARIES[:4] if canary in f"{caught.value} {caught.value!r}"]
        list(client.iter_agents())
        with pytest.raises(UnexpectedPayloadError):
            client.page()
    assert any("GET /v1/leads: status 429 (trace trace-7)" in record.getMessage() for record in caplog.records)
    assert any(record.levelno == logging.DEBUG and record.name == "leadlib.api" for record in caplog.records)
    for record in caplog.records:
        text = f"{record.getMessage()} {record.__dict__}"
        assert not [canary for canary in (*CANARIES, "QUERY-CANARY", "perPage") if canary in text], record.name


def test_nothing_that_is_shown_of_a_client_holds_a_secret() -> None:
    client = client_of(lambda _: one_page())
    client.page()
    shown = f"{client!r} {vars(client)!r} {vars(client._wire)!r} {vars(client._tokens._settings)!r}"
    assert not [canary for canary in (KEY, SECRET) if canary in shown]
