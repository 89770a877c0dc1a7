"""Faults of the way between portal and caller."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Final

from leadlib.sandbox.faults.base import EVERY, Answer, Call, Fault, Option, fault
from leadlib.sandbox.problems import ProblemError

_SEVENTH: Final = Option(7, 1, 1_000_000)


@fault(
    "rate-limit",
    "Every 7th data call answers 429 with Retry-After: 1.",
    every=_SEVENTH,
    seconds=Option(1, 0, 3600),
)
class _RateLimit(Fault):
    """With `seconds` 0 there is no Retry-After."""

    def before_data(self, call: Call) -> None:
        if self.is_its_turn():
            seconds = self.options["seconds"]
            raise ProblemError(429, "Too many requests.", headers={"Retry-After": str(seconds)} if seconds else {})


@fault(
    "retry-after-date",
    "Every 7th data call answers 429 with a Retry-After that is a date, 2 seconds ahead of the portal's clock.",
    every=_SEVENTH,
    seconds=Option(2, 0, 3600),
)
class _RetryAfterDate(Fault):
    def before_data(self, call: Call) -> None:
        if self.is_its_turn():
            until = call.at + timedelta(seconds=self.options["seconds"])
            raise ProblemError(429, "Too many requests.", headers={"Retry-After": format_datetime(until, usegmt=True)})


@fault("server-errors", "30 % of the data calls answer 500, 502 or 503.", percent=Option(30, 1, 100))
class _ServerErrors(Fault):
    def before_data(self, call: Call) -> None:
        if self.rng.random() * 100 < self.options["percent"]:
            raise ProblemError(self.rng.choice((500, 502, 503)), "Something went wrong on our side.")


@fault("reset", "One data answer in five is cut: the connection closes in the middle of the body.")
class _Reset(Fault):
    def change_answer(self, answer: Answer, call: Call) -> Answer:
        return replace(answer, is_cut=True) if self.rng.random() < 0.2 else answer


@fault("garbage", "One data answer in five is 200 with a page of HTML instead of JSON.")
class _Garbage(Fault):
    def change_answer(self, answer: Answer, call: Call) -> Answer:
        if answer.status != 200 or self.rng.random() >= 0.2:
            return answer
        return Answer(200, b"<!doctype html><title>One moment</title><p>Checking your browser.</p>", "text/html")


@fault("truncated", "One data answer in five is 200 with JSON that stops half way; its Content-Length fits the half.")
class _Truncated(Fault):
    def change_answer(self, answer: Answer, call: Call) -> Answer:
        if answer.status != 200 or self.rng.random() >= 0.2:
            return answer
        return replace(answer, body=answer.body[: len(answer.body) // 2])


@fault("truncated-gzip", "Every 5th data answer is gzip that stops half way; its Content-Length fits.", every=EVERY)
class _TruncatedGzip(Fault):
    def change_answer(self, answer: Answer, call: Call) -> Answer:
        if answer.status != 200 or not self.is_its_turn():
            return answer
        packed = gzip.compress(answer.body, mtime=0)
        return replace(answer, body=packed[: len(packed) // 2], headers={**answer.headers, "Content-Encoding": "gzip"})


@fault("odd-bytes", "Every 5th data answer has a byte order mark before it and a byte that is no UTF-8.", every=EVERY)
class _OddBytes(Fault):
    """The byte stands in a field of its own, `"note"`, so that whoever replaces it still reads all rows."""

    def change_answer(self, answer: Answer, call: Call) -> Answer:
        if answer.status != 200 or not answer.body.endswith(b"}") or not self.is_its_turn():
            return answer
        return replace(answer, body=b"\xef\xbb\xbf" + answer.body[:-1] + b',"note":"caf\xe9"}')


@fault(
    "drip",
    "Every 5th data answer comes at one byte a second.",
    every=EVERY,
    bytes_per_s=Option(1, 1, 1_000_000),
)
class _Drip(Fault):
    def change_answer(self, answer: Answer, call: Call) -> Answer:
        if answer.status != 200 or not self.is_its_turn():
            return answer
        pause_s = 1 / self.options["bytes_per_s"]
        return replace(answer, parts=((answer.body[k : k + 1], pause_s) for k in range(len(answer.body))))


@fault(
    "redirect",
    "Every 5th data call answers 302 to the same path on another host.",
    every=EVERY,
    port=Option(0, 0, 65_535),
)
class _Redirect(Fault):
    """To elsewhere.invalid, or with `port` to localhost, where a test may listen for what must not come."""

    def change_answer(self, answer: Answer, call: Call) -> Answer:
        if not self.is_its_turn():
            return answer
        port = self.options["port"]
        host = f"localhost:{port}" if port else "elsewhere.invalid"
        return Answer(302, b"", headers={"Location": f"http://{host}{call.path}?{call.query}"})


_MIB: Final = 1024 * 1024


@fault(
    "huge-body",
    "Every 5th data answer is JSON of 5 GiB without a Content-Length.",
    every=EVERY,
    mib=Option(5 * 1024, 1, 1024 * 1024),
    gzip=Option(0, 0, 1),
)
class _HugeBody(Fault):
    """With `gzip` 1 it comes packed, a thousandth of its size."""

    def change_answer(self, answer: Answer, call: Call) -> Answer:
        if answer.status != 200 or not self.is_its_turn():
            return answer
        is_packed = bool(self.options["gzip"])
        headers = {**answer.headers, "Content-Encoding": "gzip"} if is_packed else answer.headers
        return replace(answer, headers=headers, parts=((part, 0.0) for part in self._parts(is_packed)))

    def _parts(self, is_packed: bool) -> Iterator[bytes]:
        start, blanks, end = b'{"data":[', b" " * _MIB, b"]}"
        if not is_packed:
            return itertools.chain([start], itertools.repeat(blanks, self.options["mib"]), [end])
        # A block flushed in full stands for itself, so one of them is packed and sent over and over.
        packer = zlib.compressobj(wbits=31)
        first = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
        block = packer.compress(blanks) + packer.flush(zlib.Z_FULL_FLUSH)
        return itertools.chain([first], itertools.repeat(block, self.options["mib"]))


@fault("clock-skew", "The Date of every answer is 26 hours ahead of the portal's clock.", hours=Option(26, -2000, 2000))
class _ClockSkew(Fault):
    def date(self, at: datetime) -> datetime:
        return at + timedelta(hours=self.options["hours"])
