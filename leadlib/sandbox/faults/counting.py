"""Faults of totals and pages: what the portal says of how many leads there are, and how it hands them out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

from leadlib.sandbox.faults.base import EVERY, Fault, Option, fault
from leadlib.sandbox.pagination import page_json

if TYPE_CHECKING:
    from leadlib.sandbox.query import LeadQuery

_CAP = Option(10_000, 1, 5_000_000)
_HALF_A_DAY_MS = 12 * 3_600_000


def _recount(page: dict[str, Any], total: int, per_page: int | None = None) -> None:
    said = page["pagination"]
    page["pagination"] = page_json(total, said["page"], per_page or said["perPage"])


@fault("wrong-total", "The total of every page of leads is one too high.")
class _WrongTotal(Fault):
    def change_page(self, page: dict[str, Any], query: LeadQuery) -> None:
        page["pagination"]["total"] += 1


@fault("wrong-total-low", "The total of every page of leads is one too low, but never below zero.")
class _WrongTotalLow(Fault):
    def change_page(self, page: dict[str, Any], query: LeadQuery) -> None:
        page["pagination"]["total"] = max(0, page["pagination"]["total"] - 1)


@fault(
    "perpage-clamped",
    "A page holds 20 leads at most, though its pagination speaks of as many as were asked for.",
    most=Option(20, 1, 50),
    admits=Option(0, 0, 1),
)
class _PerPageClamped(Fault):
    """With `admits` 1 the pagination tells the truth about the size of its pages."""

    def change_query(self, query: LeadQuery) -> LeadQuery:
        return replace(query, per_page=min(query.per_page, self.options["most"]))

    def change_page(self, page: dict[str, Any], query: LeadQuery) -> None:
        if self.options["admits"]:
            _recount(page, page["pagination"]["total"], query.per_page)


@fault("total-capped", "No total is above 10,000, and the last page named is the last within it.", cap=_CAP)
class _TotalCapped(Fault):
    def change_page(self, page: dict[str, Any], query: LeadQuery) -> None:
        if page["pagination"]["total"] > self.options["cap"]:
            _recount(page, self.options["cap"])


@fault("offset-capped", "Pages that reach past the 10,000th lead of a query are empty; the total is right.", cap=_CAP)
class _OffsetCapped(Fault):
    def change_page(self, page: dict[str, Any], query: LeadQuery) -> None:
        if (query.page - 1) * query.per_page + len(page["data"]) > self.options["cap"]:
            page["data"] = []


@fault("echo-pages", "Every page holds the leads of page 1, and the last page names page 1 as the next.")
class _EchoPages(Fault):
    def change_query(self, query: LeadQuery) -> LeadQuery:
        return replace(query, page=1)

    def change_page(self, page: dict[str, Any], query: LeadQuery) -> None:
        if page["pagination"]["totalPages"] > 1 and page["pagination"]["nextPage"] is None:
            page["pagination"]["nextPage"] = 1


@fault("empty-window", "Every 5th page of leads is empty, with a total of 0, whatever there is.", every=EVERY)
class _EmptyWindow(Fault):
    def change_page(self, page: dict[str, Any], query: LeadQuery) -> None:
        if self.is_its_turn():
            page["data"] = []
            _recount(page, 0)


@fault("same-id-twice", "The first lead of every page comes twice on it, the second time with other tags.")
class _SameIdTwice(Fault):
    def change_page(self, page: dict[str, Any], query: LeadQuery) -> None:
        if page["data"]:
            page["data"].append({**page["data"][0], "tags": ["second_time"]})


@fault(
    "short-spans-hide",
    "Where createdAtFrom and createdAtTo lie within half a day, 1 lead in 20 is in neither rows nor total.",
    one_in=Option(20, 2, 1_000),
)
class _ShortSpansHide(Fault):
    """What no reading of slices could notice by itself: every response is as long as its own total."""

    def change_page(self, page: dict[str, Any], query: LeadQuery) -> None:
        low_ms, high_ms = query.created_from_ms, query.created_to_ms
        if low_ms is None or high_ms is None or high_ms - low_ms > _HALF_A_DAY_MS:
            return
        shown = [row for row in page["data"] if crc32(str(row.get("id")).encode()) % self.options["one_in"]]
        _recount(page, page["pagination"]["total"] - len(page["data"]) + len(shown))
        page["data"] = shown
