"""When events happened that were only seen between two looks, and which of several kinds came first.

Turnbull's self-consistency (Turnbull 1976) for one kind of event, its extension to kinds that compete (Hudgens, Satten
and Longini 2001; Maathuis and Hudgens 2011) for several: the shares of a cohort that by each age have had each kind,
found by maximum likelihood without a model of time. Exact times give Kaplan-Meier's and Aalen-Johansen's estimates, one
look per case gives isotonic regression.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from leadlib.statistics.log_gamma import Floats

MOST_ROUNDS = 1_000
_CLOSE = 1e-5
_CLOSE_FIT = 1e-4
"""The search ends when in a round no share at any age has moved by more than the first, and the cases have not become
likelier by more than the second (a logarithm): both are small beside what chance does to any number of cases.
"""
_Z = 1.959964
_MOST_TRIES = 8


@dataclass(frozen=True)
class Incidence:
    """Shares by age: `mass[k, j]` of all cases had an event of kind k somewhere in (edges[j], edges[j + 1]].

    Where in that cell is not known, so a share by an age inside it has bounds. What is left of 1 had no event by the
    last edge. Without cases `edges` is empty.
    """

    edges: Floats
    mass: Floats
    cases: "Cases" = field(repr=False)

    def by(self, kind: int, age: float) -> tuple[float, float]:
        """The least and the largest share that had an event of `kind` by `age`."""
        low = self.mass[kind, self.edges[1:] <= age].sum()
        high = self.mass[kind, self.edges[:-1] < age].sum()
        return min(float(low), 1.0), min(float(high), 1.0)

    def age_of(self, kind: int, share: float) -> tuple[float, float]:
        """The ages between which the share with an event of `kind` reaches `share`; infinite where it never does."""
        reached = np.cumsum(self.mass[kind]) >= share - 1e-6
        if not reached.any():
            return float("inf"), float("inf")
        cell = int(np.argmax(reached))
        return float(self.edges[cell]), float(self.edges[cell + 1])

    def interval(self, kind: int, age: float) -> tuple[float, float]:
        """The 95 % interval of the share that had an event of `kind` by `age`: what the cases do not refute.

        A share is refuted where the cases are less likely under it than under the best one by more than chance makes
        them (likelihood ratio; Thomas and Grunkemeier 1975 for exact times). It takes in what `by` leaves open. Without
        cases it is all of 0 to 1.
        """
        if not self.cases.n:
            return 0.0, 1.0
        surely, perhaps = (self._cells(kind, cells) for cells in (self.edges[1:] <= age, self.edges[:-1] < age))
        return self._bound(surely, -1), self._bound(perhaps, 1)

    def is_refuted(self, kind: int, age: float, share: float) -> bool:
        """True if `share` lies outside of `interval`, found without looking for its ends."""
        if not self.cases.n:
            return False
        low, high = self.by(kind, age)
        if low <= share <= high:
            return False
        cells = self.edges[1:] <= age if share < low else self.edges[:-1] < age
        return self._distance(self._cells(kind, cells), share) > _Z

    def _cells(self, kind: int, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """These cells of one kind, in the order of `cases`."""
        cells = np.zeros(self.mass.size + 1, dtype=np.bool_)
        cells[:-1].reshape(self.mass.shape)[kind] = chosen
        return cells

    def _bound(self, cells: npt.NDArray[np.bool_], side: int) -> float:
        """How far the share in `cells` can go down (-1) or up (1) before it is refuted.

        On the scale of the arcsine the distance grows about as the share moves, so each try tells where to go next.
        """
        if not cells.any():
            return 0.0
        at = float(np.arcsin(np.sqrt(min(self._flat[cells].sum(), 1.0))))
        step = side * _Z / (2 * np.sqrt(self.cases.n))
        least, most = 1e-3, np.pi / 2 - 1e-3
        tried = at
        for _ in range(_MOST_TRIES):
            tried = float(np.clip(at + step, least, most))
            distance = self._distance(cells, float(np.sin(tried) ** 2))
            if abs(distance - _Z) < 0.02:
                break
            if distance < _Z and tried in {least, most}:
                return 0.0 if side < 0 else 1.0
            step = (tried - at) * float(np.clip(_Z / max(distance, 1e-9), 0.2, 5))
        return float(np.sin(tried) ** 2)

    def _distance(self, cells: npt.NDArray[np.bool_], share: float) -> float:
        """How much less likely the cases are with `share` of them in `cells`, in standard deviations."""
        start = 0.999 * self._flat + 0.001 / len(self._flat)  # from nothing a cell would never rise
        held = (cells, share)
        mass = _normed(start, start, held)
        last = -np.inf
        for _ in range(MOST_ROUNDS):
            mass, fit = _sped_up(self.cases, mass, held)
            if fit - last < 10 * _CLOSE_FIT:  # a search for an end of an interval needs no more
                break
            last = fit
        return float(np.sqrt(max(2 * (self.cases.improved(self._flat)[1] - self.cases.improved(mass, held)[1]), 0.0)))

    @property
    def _flat(self) -> Floats:
        return np.append(self.mass.ravel(), max(1.0 - self.mass.sum(), 0.0))


def incidence(
    left: npt.ArrayLike, right: npt.ArrayLike, kind: npt.ArrayLike, weight: npt.ArrayLike, n_kinds: int
) -> Incidence:
    """Shares by age of cases that had their event in (left, right], of `kind` 0 .. n_kinds - 1, `weight` times each.

    A case without an event by its last look has `left` at that age, `right` infinite, and any kind. All four have one
    length; ages are not negative. Raises ValueError where left is not below right.
    """
    begin, end = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    which, times = np.asarray(kind, dtype=np.int64), np.asarray(weight, dtype=np.float64)
    if np.any(begin >= end):
        raise ValueError("left must be below right")
    if not times.sum():
        return Incidence(np.empty(0), np.empty((n_kinds, 0)), _NO_CASES)
    is_open = np.isinf(end)
    edges = np.unique(np.concatenate([[0.0], begin, end[~is_open]]))
    n_cells = len(edges) - 1
    first = np.searchsorted(edges, begin)
    last = np.where(is_open, n_cells, np.searchsorted(edges, np.where(is_open, 0.0, end)))
    closed = ~is_open
    cases = Cases(
        n_kinds,
        n_cells,
        (which * n_cells + first)[closed],
        (which * n_cells + last)[closed],
        times[closed],
        first[is_open],
        times[is_open],
    )
    mass = np.full(n_kinds * n_cells + 1, 1.0 / (n_kinds * n_cells + 1))
    before = -np.inf
    for _ in range(MOST_ROUNDS):
        found, fit = _sped_up(cases, mass)
        moved = np.abs(np.cumsum(found - mass)).max()
        mass = found
        if moved < _CLOSE and fit - before < _CLOSE_FIT:
            break
        before = fit
    return Incidence(edges, mass[:-1].reshape(n_kinds, n_cells), cases)


_Held = tuple[npt.NDArray[np.bool_], float]
"""Some of the cells, and the share of all cases that lies in them by assumption."""


@dataclass(frozen=True, eq=False)
class Cases:
    """What is known of each case, as the cells that may hold its event.

    Cells of all kinds lie one after the other, and after them the cell of those that are left without an event."""

    n_kinds: int
    n_cells: int
    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    closed_times: Floats
    open_from: npt.NDArray[np.int64]
    open_times: Floats

    @property
    def n(self) -> float:
        """How many cases there are."""
        return float(self.closed_times.sum() + self.open_times.sum())

    def improved(self, mass: Floats, held: _Held | None = None) -> tuple[Floats, float]:
        """The mass of each cell once every case is shared out in proportion to `mass`; and the likelihood of `mass`.

        The first is never less likely than `mass`. The likelihood is a logarithm.
        """
        up_to = np.concatenate([[0.0], np.cumsum(mass)])
        chance = np.maximum(up_to[self.stop] - up_to[self.start], 1e-300)
        worth = self.closed_times / chance
        # What each cell is worth to the cases it may hold: added where a case begins, taken away where it ends.
        n = len(mass) + 1
        steps = np.bincount(self.start, worth, n) - np.bincount(self.stop, worth, n)
        share = np.cumsum(steps, dtype=np.float64)[:-1]
        cells = mass[:-1].reshape(self.n_kinds, self.n_cells).sum(axis=0)
        later = np.maximum((np.concatenate([np.cumsum(cells[::-1])[::-1], [0.0]]) + mass[-1])[self.open_from], 1e-300)
        waiting = np.cumsum(np.bincount(self.open_from, self.open_times / later, self.n_cells + 1))
        share += np.concatenate([np.tile(waiting[:-1], self.n_kinds), waiting[-1:]])
        fit = float(self.closed_times @ np.log(chance) + self.open_times @ np.log(later))
        return _normed(mass * np.maximum(share, 0), mass, held), fit


_NO_CASES = Cases(0, 0, *(np.empty(0, dtype) for dtype in (int, int, float, int, float)))


def _normed(found: Floats, before: Floats, held: _Held | None) -> Floats:
    """`found` with a sum of 1, and with the share that is held; cells that no case asks for stay as they were."""
    normed: Floats = found / found.sum()
    if held is None:
        return normed
    cells, share = held
    for part, whole in ((cells, share), (~cells, 1 - share)):
        source = found[part] if found[part].sum() > 0 else before[part]
        normed[part] = whole * source / source.sum()
    return normed


def _sped_up(cases: Cases, mass: Floats, held: _Held | None = None) -> tuple[Floats, float]:
    """Two rounds, then a leap in their direction where it makes the cases likelier (Varadhan and Roland 2008).

    Also the likelihood that was reached on the way.
    """
    once, _ = cases.improved(mass, held)
    twice, fit_once = cases.improved(once, held)
    step, bend = once - mass, twice - 2 * once + mass
    length = float(np.sqrt((step @ step) / np.maximum(bend @ bend, 1e-300)))
    if length <= 1:
        return twice, fit_once
    leap = np.maximum(mass + 2 * length * step + length**2 * bend, twice * 1e-3)
    landed, fit_leap = cases.improved(_normed(leap, leap, held), held)
    return (landed, fit_leap) if fit_leap >= fit_once else (twice, fit_once)
