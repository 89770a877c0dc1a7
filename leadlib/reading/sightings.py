"""What was there at one moment, as far as it follows from all that was seen before and after."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from leadlib.api import LeadPage


@dataclass(frozen=True)
class Pin:
    """An answer whose total is met: `ids` are all leads that were there when it was given, at `at` (portal's clock)."""

    total: int
    ids: frozenset[str]
    at: datetime | None


class Sightings:
    """All answers about one stretch, in order, whatever part of it each of them was asked for.

    A lead that came with an answer and again with a later one was there all the time between the two: once gone, it
    does not come back. So if between them lies an answer that counts the whole stretch, and as many leads are pinned
    down around it as it counts, they are all that were there. Neither order nor shifts nor arrivals matter.
    """

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._whole: dict[int, tuple[int, datetime | None]] = {}
        self._n_answers = 0
        self._has_rows_without_id = False

    def see(self, page: LeadPage, *, is_whole: bool) -> None:
        """Takes the rows of an answer; and its total, if it `is_whole`: asked for the stretch and not for a part."""
        for row_id in page.row_ids:
            if row_id:
                self._first.setdefault(row_id, self._n_answers)
                self._last[row_id] = self._n_answers
            else:
                self._has_rows_without_id = True
        if is_whole:
            self.count(page)
        else:
            self._n_answers += 1

    def count(self, page: LeadPage) -> None:
        """Takes the total of an answer about the whole stretch, and none of its rows: nobody will store them."""
        self._whole[self._n_answers] = (page.total, page.portal_at)
        self._n_answers += 1

    @property
    def n_leads(self) -> int:
        """How many different leads were ever seen."""
        return len(self._first)

    @property
    def shortfall(self) -> int | None:
        """How many leads are not pinned down yet around the answer that comes nearest; below 0, totals are wrong.

        None without an answer about the whole, or if a row had no id: such rows cannot be told apart.
        """
        if self._has_rows_without_id:
            return None
        return min((total - n for _, n, total in self._around()), default=None)

    def pin(self) -> Pin | None:
        """The latest answer around which all is pinned down; None if there is none.

        None, too, if more leads are pinned down around an answer than it counts: then no total is to be trusted.
        """
        if self.shortfall != 0:
            return None
        place = max(place for place, n, total in self._around() if n == total)
        total, at = self._whole[place]
        ids = (lead_id for lead_id, first in self._first.items() if first <= place <= self._last[lead_id])
        return Pin(total, frozenset(ids), at)

    def _around(self) -> Iterator[tuple[int, int, int]]:
        """For each answer about the whole: its place, how many leads are pinned down around it, and its total."""
        change = [0] * (self._n_answers + 1)
        for lead_id, first in self._first.items():
            change[first] += 1
            change[self._last[lead_id] + 1] -= 1
        for place, n in enumerate(accumulate(change)):
            if place in self._whole:
                yield place, n, self._whole[place][0]
