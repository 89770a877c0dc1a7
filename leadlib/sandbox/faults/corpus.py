"""The corpus of odd rows: one lead each, and whether a careful reader takes it for a lead or for none."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from leadlib.sandbox.clock import from_ms
from leadlib.sandbox.faults.base import Answer, Call, Fault, Option, fault
from leadlib.sandbox.lead import Lead

if TYPE_CHECKING:
    from leadlib.sandbox.truth import Truth

Row = dict[str, Any]
_ABSENT: Final = object()
_ROW_MARK: Final = "@whole-row"
_WHOLE_ROWS: Final = ("null", '"lead"', "[]", "{}")
_LONG_NUMBER: Final = 10**29


@dataclass(frozen=True, slots=True)
class OddRow:
    """One odd row: what is odd, whether it is still a lead, and what makes it so.

    A lead keeps its id unless `id_of` gives another. What `change` cannot put into a dict it puts there as one of
    `_marks`, which stands for the bytes that are sent.
    """

    name: str
    is_lead: bool
    change: Callable[[Row, Lead], None]
    id_of: Callable[[Lead], str] = lambda lead: lead.id


def _with(*path: str, value: Any) -> Callable[[Row, Lead], None]:
    def change(row: Row, lead: Lead) -> None:
        part = row
        for name in path[:-1]:
            part = part.setdefault(name, {})
        if value is _ABSENT:
            part.pop(path[-1], None)
        else:
            part[path[-1]] = value(lead) if callable(value) else value

    return change


def _whole(text: str) -> Callable[[Row, Lead], None]:
    def change(row: Row, lead: Lead) -> None:
        row.clear()
        row[_ROW_MARK] = text

    return change


def _leads() -> list[OddRow]:
    def in_dubai(lead: Lead) -> str:
        return f"{from_ms(lead.created_ms) + timedelta(hours=4):%Y-%m-%dT%H:%M:%S}+04:00"

    def with_fraction(lead: Lead) -> str:
        return f"{from_ms(lead.created_ms):%Y-%m-%dT%H:%M:%S}.000000000Z"

    def in_small_letters(lead: Lead) -> str:
        return f"{from_ms(lead.created_ms):%Y-%m-%dt%H:%M:%Sz}"

    def ten_thousand_contacts(lead: Lead) -> list[Row]:
        return [{"type": "email", "value": f"s{place}@example.com"} for place in range(10_000)]

    changes: dict[str, Callable[[Row, Lead], None]] = {
        "unknown channel": _with("channel", value="telegram"),
        "unknown status": _with("status", value="snoozed"),
        "unknown entity type": _with("entityType", value="building"),
        "unknown contact type": _with("sender", "contacts", value=[{"type": "telegramHandle", "value": "sample"}]),
        "status is null": _with("status", value=None),
        "status is missing": _with("status", value=_ABSENT),
        "channel is a number": _with("channel", value=7),
        "new field": _with("leadScore", value=0.75),
        "new nested field": _with("sellerProperty", value={"rooms": [{"kind": "bed", "size": {"m2": 12.5}}]}),
        "new field within a known one": _with("publicProfile", "team", value={"id": 4, "name": "Sample"}),
        "agent is a text": _with("publicProfile", "id", value="90001"),
        "agent is a number too large": _with("publicProfile", "id", value=10**25),
        "agent is null": _with("publicProfile", value=None),
        "listing is a text": _with("listing", value="EX-RENT-001"),
        "sender is null": _with("sender", value=None),
        "sender is missing": _with("sender", value=_ABSENT),
        "contacts are an object": _with("sender", "contacts", value={"type": "phone", "value": "+971500000001"}),
        "contact without a value": _with("sender", "contacts", value=[{"type": "phone"}, None, "phone"]),
        "ten thousand contacts": _with("sender", "contacts", value=ten_thousand_contacts),
        "tags are null": _with("tags", value=None),
        "tags hold anything": _with("tags", value=["hot", 7, None, {"a": 1}, ["b"]]),
        "call is a list": _with("call", value=[1, 2]),
        "talk time is no number": _with("call", "talkTime", value=float("nan")),
        "talk time is endless": _with("call", "talkTime", value=float("inf")),
        "enrichment is nested": _with("enrichment", value={"message": {"ar": "مرحبا", "en": ["hello"]}}),
        "name with half a character": _with("sender", "name", value="Sample @half Sender"),
        "name with NUL": _with("sender", "name", value="Sample\x00Sender\x00"),
        "name with control characters": _with("sender", "name", value="Sample\x0b\x1b[31mSender\r\n"),
        "name with changes of direction": _with("sender", "name", value="Sample \u202egpj.exe\u202c \u2066x\u2069"),
        "name with a byte order mark": _with("sender", "name", value="\ufeffSample Sender\ufffe"),
        "name with markup": _with("sender", "name", value="<img src=x onerror=alert(1)> ![x](https://example.com/x)"),
        "name is a formula": _with("sender", "name", value="=1+1"),
        "name is a number": _with("sender", "name", value=12),
        "huge name": _with("sender", "name", value="@huge"),
        "deep nesting": _with("enrichment", value={"deep": "@deep"}),
        "keys twice": _with("tags", value="@twice"),
        "createdAt in Dubai's time": _with("createdAt", value=in_dubai),
        "createdAt with nine digits": _with("createdAt", value=with_fraction),
        "createdAt in small letters": _with("createdAt", value=in_small_letters),
    }
    numbered = OddRow("number id", True, _with("id", value=lambda lead: lead.number), lambda lead: str(lead.number))
    long = OddRow(
        "30-digit id",
        True,
        _with("id", value=lambda lead: _LONG_NUMBER + lead.number),
        lambda lead: str(_LONG_NUMBER + lead.number),
    )
    return [OddRow(name, True, change) for name, change in changes.items()] + [numbered, long]


def _rejects() -> list[OddRow]:
    ids: dict[str, Any] = {
        "missing": _ABSENT, "null": None, "empty": "", "blank": "  ", "true": True, "a fraction": 1.5,
        "a list": ["message_lead_1"],
    }  # fmt: skip
    instants: dict[str, Any] = {
        "missing": _ABSENT, "null": None, "empty": "", "a number": 1_763_000_000, "in words": "yesterday",
        "without a zone": "2026-11-01T10:00:00", "no such day": "2026-02-30T10:00:00Z",
        "in year 1": "0001-01-01T00:00:00Z", "in year 9999": "9999-12-31T23:59:59-04:00",
    }  # fmt: skip
    rows = [OddRow(f"id is {name}", False, _with("id", value=value)) for name, value in ids.items()]
    rows += [OddRow(f"createdAt is {name}", False, _with("createdAt", value=value)) for name, value in instants.items()]
    return rows + [OddRow(f"row is {text}", False, _whole(text)) for text in _WHOLE_ROWS]


ODD_CORPUS: Final = tuple(_leads() + _rejects())
"""The rows in the order in which they were created; the number of leads among them is the sum of `is_lead`."""


@fault(
    "odd-corpus",
    "The rows of ODD_CORPUS came in 5 days back, one a second: odd leads, and rows that are no leads.",
    days=Option(5, 0, 80),
    name_kib=Option(64, 1, 32_768),
    nesting=Option(200, 1, 1_000_000),
)
class _OddCorpus(Fault):
    """`name_kib` is the length of the huge name; from about 1,000 levels of `nesting` on many readers give up."""

    def __init__(self, rng: random.Random, options: Mapping[str, int]) -> None:
        super().__init__(rng, options)
        self._rows: dict[str, OddRow] = {}

    def plant(self, truth: Truth) -> None:
        first = truth.clock.now().replace(microsecond=0) - timedelta(days=self.options["days"])
        leads = truth.plant([first + timedelta(seconds=place) for place in range(len(ODD_CORPUS))])
        self._rows = {lead.id: odd for lead, odd in zip(leads, ODD_CORPUS, strict=True)}

    def readable_id(self, lead_id: str | None, lead: Lead) -> str | None:
        odd = self._rows.get(lead.id)
        if odd is None or lead_id is None:
            return lead_id
        return odd.id_of(lead) if odd.is_lead else None

    def change_lead(self, row: dict[str, Any], lead: Lead) -> None:
        if (odd := self._rows.get(lead.id)) is not None:
            odd.change(row, lead)

    def change_answer(self, answer: Answer, call: Call) -> Answer:
        if not call.is_for_leads:
            return answer
        body = answer.body
        for mark, bytes_ in self._marks().items():
            if mark in body:
                body = body.replace(mark, bytes_())
        return replace(answer, body=body)

    def _marks(self) -> dict[bytes, Callable[[], bytes]]:
        """What stands in a row for bytes that no dict makes."""
        nesting, kib = self.options["nesting"], self.options["name_kib"]
        marks: dict[bytes, Callable[[], bytes]] = {
            rb"@half": lambda: rb"\ud83d",
            rb'"@huge"': lambda: b'"' + b"Sample Huge Name" * (kib * 64) + b'"',
            rb'"@deep"': lambda: b"[" * nesting + b"]" * nesting,
            rb'"tags":"@twice"': lambda: b'"tags":["first"],"tags":["second"],"status":"sent"',
        }
        for text in _WHOLE_ROWS:
            marks[f'{{"{_ROW_MARK}":{json.dumps(text)}}}'.encode()] = text.encode
        return marks
