"""Faults of the way between portal and caller; those that only a connection can show are tried on a port."""

import gzip
import json
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from leadlib.sandbox import SandboxServer
from tests.sandbox.conftest import KEY_PAIR, NOW, SMALL, faulty


@contextmanager
def on_a_port(name: str, options: Mapping[str, int]) -> Iterator[httpx.Client]:
    settings = replace(SMALL, faults=frozenset({name}), fault_options=options)
    with SandboxServer(settings) as running, httpx.Client(base_url=running.url) as client:
        token = client.post("/v1/auth/token", json=KEY_PAIR).json()["accessToken"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def test_rate_limit_may_come_without_a_word_of_when_to_return() -> None:
    reader = faulty("rate-limit", options={"rate-limit.every": 2, "rate-limit.seconds": 0})
    answers = [reader.get("/v1/leads?perPage=1") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 429] * 2
    assert "retry-after" not in answers[1].headers


def test_retry_after_may_be_a_date_by_the_portals_clock() -> None:
    reader = faulty("retry-after-date", options={"retry-after-date.seconds": 5})
    answers = [reader.get("/v1/leads?perPage=1") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 6 + [429]
    assert parsedate_to_datetime(answers[-1].headers["retry-after"]) == NOW + timedelta(seconds=5)


def test_share_of_server_errors_can_be_set() -> None:
    reader = faulty("server-errors", options={"server-errors.percent": 100})
    assert {reader.get("/v1/leads").status_code for _ in range(20)} == {500, 502, 503}


def test_clock_skew_is_in_the_date_and_nowhere_else() -> None:
    reader = faulty("clock-skew")
    for answer in (reader.mint(), reader.get("/v1/leads?perPage=1"), reader.get("/nowhere")):
        assert parsedate_to_datetime(answer.headers["date"]) == NOW + timedelta(hours=26)
    assert reader.page("perPage=1")["data"][0]["createdAt"] < "2026-11-23T12:00:01Z"
    behind = faulty("clock-skew", options={"clock-skew.hours": -26}).mint()
    assert parsedate_to_datetime(behind.headers["date"]) == NOW - timedelta(hours=26)


def test_odd_bytes_stand_outside_the_rows() -> None:
    reader = faulty("odd-bytes", options={"odd-bytes.every": 1})
    body = reader.get("/v1/leads").content
    assert body.startswith(b"\xef\xbb\xbf")
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    assert len(json.loads(body.decode("utf-8-sig", "replace"))["data"]) == 50


def test_redirect_leads_to_another_host_and_keeps_the_query() -> None:
    reader = faulty("redirect", options={"redirect.every": 2})
    answers = [reader.get("/v1/leads?perPage=1") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 302]
    assert answers[1].headers["location"] == "http://elsewhere.invalid/v1/leads?perPage=1"
    listening = faulty("redirect", options={"redirect.every": 1, "redirect.port": 8099}).get("/v1/leads?page=2")
    assert listening.headers["location"] == "http://localhost:8099/v1/leads?page=2"


def test_gzip_stops_half_way_although_its_length_fits() -> None:
    with (
        on_a_port("truncated-gzip", {"truncated-gzip.every": 1}) as client,
        client.stream("GET", "/v1/leads") as answer,
    ):
        packed = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) == len(packed)
    with pytest.raises(EOFError):
        gzip.decompress(packed)


def test_drip_takes_its_time_and_ends_when_the_caller_hangs_up() -> None:
    with on_a_port("drip", {"drip.every": 2}) as client:
        assert client.get("/v1/leads").status_code == 200
        with client.stream("GET", "/v1/leads") as answer:
            started_s = time.monotonic()
            parts = answer.iter_raw()
            assert (next(parts), next(parts)) == (b"{", b'"')
            assert 0.9 < time.monotonic() - started_s < 3
        assert client.get("/v1/leads").status_code == 200


def test_drip_is_the_whole_answer_in_the_end() -> None:
    with on_a_port("drip", {"drip.every": 1, "drip.bytes_per_s": 1_000_000}) as client:
        assert client.get("/v1/leads?perPage=1").json()["pagination"]["perPage"] == 1


def test_huge_body_goes_on_and_on() -> None:
    n_bytes = 0
    with on_a_port("huge-body", {"huge-body.every": 1}) as client:
        with client.stream("GET", "/v1/leads") as answer:
            assert "content-length" not in answer.headers
            for part in answer.iter_raw():
                n_bytes += len(part)
                if n_bytes > 16 * 1024 * 1024:
                    break
        with client.stream("GET", "/v1/leads") as answer:
            assert answer.status_code == 200
    assert n_bytes > 16 * 1024 * 1024


def test_huge_body_of_a_bearable_size_is_whole_json() -> None:
    body = faulty("huge-body", options={"huge-body.every": 1, "huge-body.mib": 2}).get("/v1/leads").content
    assert len(body) > 2 * 1024 * 1024
    assert json.loads(body) == {"data": []}


def test_packed_huge_body_is_a_thousandth_of_what_it_becomes() -> None:
    with (
        on_a_port("huge-body", {"huge-body.every": 1, "huge-body.gzip": 1, "huge-body.mib": 8}) as client,
        client.stream("GET", "/v1/leads") as answer,
    ):
        packed = b"".join(answer.iter_raw())
    unpacked = zlib.decompressobj(wbits=31).decompress(packed)
    assert len(unpacked) > 8 * 1024 * 1024 > 500 * len(packed)
    assert unpacked.startswith(b'{"data":[ ')
