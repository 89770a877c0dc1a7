"""When events happened that were only seen between two looks, and which of several kinds came first.

Turnbull's self-consistency (Turnbull 1976) for one kind of event, its extension to kinds that compete (Hudgens, Satten
and Longini 2001; Maathuis and Hudgens 2011) for several: the shares of a cohort that by each age have had each kind,
found by maximum likelihood without a model of time. Exact times give Kaplan-Meier's and Aalen-Johansen's estimates, one
look per case gives isotonic regression.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leadlib.statistics.log_gamma import Floats

MOST_ROUNDS = 1_000
_CLOSE = 1e-7
"""The search ends when no share at any age has moved by more than this in a round."""


@dataclass(frozen=True)
class Incidence:
    """Shares by age: `mass[k, j]` of all cases had an event of kind k somewhere in (edges[j], edges[j + 1]].

    Where in that cell is not known, so a share by an age inside it has bounds. What is left of 1 had no event by the
    last edge. Without cases `edges` is empty.
    """

    edges: Floats
    mass: Floats

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
        return Incidence(np.empty(0), np.empty((n_kinds, 0)))
    is_open = np.isinf(end)
    edges = np.unique(np.concatenate([[0.0], begin, end[~is_open]]))
    n_cells = len(edges) - 1
    first = np.searchsorted(edges, begin)
    last = np.where(is_open, n_cells, np.searchsorted(edges, np.where(is_open, 0.0, end)))
    closed = ~is_open
    cases = _Cases(
        n_kinds,
        n_cells,
        (which * n_cells + first)[closed],
        (which * n_cells + last)[closed],
        times[closed],
        first[is_open],
        times[is_open],
    )
    mass = np.full(n_kinds * n_cells + 1, 1.0 / (n_kinds * n_cells + 1))
    for _ in range(MOST_ROUNDS):
        found = _sped_up(cases, mass)
        moved = np.abs(np.cumsum(found - mass)).max()
        mass = found
        if moved < _CLOSE:
            break
    return Incidence(edges, mass[:-1].reshape(n_kinds, n_cells))


@dataclass(frozen=True)
class _Cases:
    """Cells of all kinds lie one after the other, and after them the cell of those that are left without an event."""

    n_kinds: int
    n_cells: int
    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    closed_times: Floats
    open_from: npt.NDArray[np.int64]
    open_times: Floats

    def improved(self, mass: Floats) -> tuple[Floats, float]:
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
        found: Floats = mass * np.maximum(share, 0)
        return found / found.sum(), fit


def _sped_up(cases: _Cases, mass: Floats) -> Floats:
    """Two rounds, then a leap in their direction where it makes the cases likelier (Varadhan and Roland 2008)."""
    once, _ = cases.improved(mass)
    twice, _ = cases.improved(once)
    step, bend = once - mass, twice - 2 * once + mass
    length = float(np.sqrt((step @ step) / np.maximum(bend @ bend, 1e-300)))
    if length <= 1:
        return twice
    leap = np.maximum(mass + 2 * length * step + length**2 * bend, twice * 1e-3)
    landed, fit_leap = cases.improved(leap / leap.sum())
    after, fit_twice = cases.improved(twice)
    return landed if fit_leap >= fit_twice else after
