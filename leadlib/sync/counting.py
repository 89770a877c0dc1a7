"""Count probes: which stretches the portal still shows as the store has them, found by totals instead of rows.

The portal is asked for the total of a stretch, and for its total per status. A lead's status only moves forward: up the
ladder, or off it into the archive. So if all these totals are those of the store, each of them also being "at least so
far" when summed from the top, nothing was added, removed or moved, but for what cancels out exactly: a lead that
vanished while another of its status came late, or was replaced. Nor do totals show a reassignment. Therefore counting
only ever stands in for reading for `READ_EVERY`, stretch by stretch, and it is left out where it could mislead. Wide
stretches are counted first and cut where they differ: what cancels out has more room in them, for a week at most.

What is read all the same:

- a stretch that was not read with certainty within `READ_EVERY` is read;
- a status that no document names has no place on the ladder, so a stretch with one is read: of such leads the portal's
  statuses do not add up to its total, or ours do not;
- a total that looks like the end of the portal's counting is none;
- a row that is no lead, or whose person was erased, is in the portal's total and not among our leads: the totals
  differ, and the stretch is read;
- a lead that a sweep has missed, and that waits to be missed again, could hide one that came late: it is read;
- bounds may be inclusive or not, and compared in whole seconds: stretches are cut where no lead is near, and ask for a
  second more on either side, so a lead that comes to lie on a cut is in both totals.

The totals of a stretch are not one snapshot. They are asked for up the ladder: what moves meanwhile is then met again
further up, where it is one too many.

Where createdAtTo does not bound, the count of a stretch would be the difference of two answers, and leads that come in
between the two could make up for one that moved. So there only the whole can be counted, up to now: sound in the same
way, and of use to an account in which little happens.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from leadlib.api import Client
from leadlib.errors import BadRequestError
from leadlib.filters import Filters
from leadlib.reading import CALLS_IN_FLIGHT, PAD, statuses_upwards
from leadlib.store import SliceRow, Store
from leadlib.sync.bands import HOT, WARM

READ_EVERY = timedelta(days=7)
"""How long counting may stand in for reading a stretch."""

WORTH_COUNTING = 300
"""Leads in a stretch from which on five or six calls for totals are clearly fewer than those for its rows."""

CAPS_FROM = 9_000
"""Portals are known to stop counting, at 10,000 for one."""

CAPS_ARE_ROUND = 500
"""From CAPS_FROM on a total that is a multiple of this may be where the portal stopped counting: it tells nothing."""

QUIET = timedelta(seconds=2)
"""How far from a cut the next lead must be."""

_DAY = timedelta(days=1)
_WEEK = 7 * _DAY

WIDEST = 4 * _WEEK
"""What is counted first of what is older than two weeks. Where it differs, its weeks are counted, then their days."""

WIDEST_OF_LATE = 4 * _DAY
"""What is counted first of the last two weeks."""

_LATEST_CUT = timedelta(minutes=30)
_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
_WINDOW_MOVES = timedelta(minutes=10)
"""The oldest minutes leave the portal's window while we count."""

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True)
class Counted:
    """A stretch that the portal shows as the store has it: half-open [created_from, created_to), `total` leads."""

    created_from: datetime
    created_to: datetime
    total: int
    observed_at: datetime

    def ledger(self, sync_id: str) -> SliceRow:
        """Its line in the ledger."""
        return SliceRow(
            sync_id, self.created_from, self.created_to, self.total, self.total, True, self.observed_at, "counted"
        )


def unchanged(
    client: Client,
    store: Store,
    created_from: datetime,
    now: datetime,
    *,
    is_bounded: bool,
    on_count: Callable[[], None] = lambda: None,
) -> list[Counted]:
    """The stretches of [created_from, now) that need no reading, in order; `now` is the portal's clock.

    `is_bounded` says whether the portal obeys createdAtTo. `on_count` is called after each stretch. Raises PortalError.
    """
    statuses = statuses_upwards(client)
    read = read_lately(store, now)
    # Up to now nobody has read: there it is enough that the last sweep reached into the hours which each one reads.
    must_reach = now - (HOT.reach or _DAY)

    def is_worth_counting(one: _Held) -> bool:
        return (
            one.n >= WORTH_COUNTING
            and set(one.by_status) <= set(statuses)
            and not one.n_missed
            and any(a <= one.stretch[0] and min(one.stretch[1], must_reach) <= b for a, b in read)
        )

    def counted(stretches: Sequence[Stretch]) -> list[Counted]:
        worth = [one for one in _held(store, stretches) if is_worth_counting(one)]
        found = []
        with ThreadPoolExecutor(CALLS_IN_FLIGHT, thread_name_prefix="leadlib-counting") as pool:
            asked = [pool.submit(_counted, client, one, statuses, now, is_bounded=is_bounded) for one in worth]
            try:
                for answer in asked:
                    one = answer.result()
                    if one is not None:
                        found.append(one)
                    on_count()
            finally:
                for answer in asked:
                    answer.cancel()
        return found

    if not is_bounded:
        return counted([(first, now) for first in _quiet(store, [created_from + _WINDOW_MOVES])])
    found: list[Counted] = []
    stretches = list(pairwise(_quiet(store, _nights(created_from, now))))
    while stretches:
        settled = counted(stretches)
        found += settled
        done = {(one.created_from, one.created_to) for one in settled}
        stretches = [part for stretch in stretches if stretch not in done for part in _parts(store, stretch)]
    return sorted(found, key=lambda one: one.created_from)


@dataclass(frozen=True)
class _Held:
    """What the store holds of a stretch: live leads by status, and how many of them a sweep has missed."""

    stretch: Stretch
    by_status: Mapping[str, int]
    n_missed: int

    @property
    def n(self) -> int:
        return sum(self.by_status.values())


def _counted(
    client: Client, held: _Held, statuses: Sequence[str], now: datetime, *, is_bounded: bool
) -> Counted | None:
    """The stretch, if the portal counts what we hold; None with the first total that differs."""
    begin, end = held.stretch
    low, high = begin - PAD, end + PAD if is_bounded else None
    whole = client.page(created_from=low, created_to=high, per_page=1)
    if whole.total != held.n or _may_be_a_cap(whole.total):
        return None
    for status in statuses:
        try:
            total = client.total(Filters.of({"status": [status]}), low, high)
        except BadRequestError:
            return None  # a portal that does not take the filter cannot be counted
        if total != held.by_status.get(status, 0):
            return None
    return Counted(begin, end, whole.total, whole.portal_at or now)


def _nights(created_from: datetime, now: datetime) -> list[datetime]:
    """Midnights in UTC between which to count first: WIDEST apart, in the last two weeks WIDEST_OF_LATE.

    The first one leaves room for the window to move on. The last two days are read.
    """
    first = _midnight(created_from + _WINDOW_MOVES) + _DAY
    last = now - (HOT.reach or _DAY)
    recent = now - (WARM.reach or _DAY)
    nights = [first + _DAY * place for place in range(max(0, (last - first) // _DAY + 1))]
    return [
        night
        for night in nights
        if night in (first, nights[-1]) or (night - _MONDAY) % (WIDEST if night < recent else WIDEST_OF_LATE) < _DAY
    ]


def _may_be_a_cap(total: int) -> bool:
    return total >= CAPS_FROM and total % CAPS_ARE_ROUND == 0


def _parts(store: Store, stretch: Stretch) -> list[Stretch]:
    """The stretch cut into weeks, or into days if it is no longer than one; nothing if it is no longer than a day."""
    begin, end = stretch
    nights = [_midnight(begin) + _DAY * place for place in range(1, (end - begin) // _DAY + 1)]
    mondays = [night for night in nights if (night - _MONDAY) % _WEEK < _DAY]
    is_long = end - begin > _WEEK + _DAY and len(mondays) > 0
    inner = [cut for cut in _quiet(store, mondays if is_long else nights) if begin < cut < end]
    return list(pairwise([begin, *inner, end])) if inner else []


def _midnight(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _quiet(store: Store, cuts: Sequence[datetime]) -> list[datetime]:
    """Each cut moved on to where no lead that we know is near; those are left out that find no such place soon."""
    near = store.query(
        "select c.cut, l.created_at from (select unnest($cuts) as cut) as c join leads as l "
        "on l.created_at between c.cut - $before and c.cut + $after order by c.cut, l.created_at",
        {"cuts": list(cuts), "before": QUIET, "after": _LATEST_CUT},
    )
    leads_near: dict[datetime, list[datetime]] = {}
    for cut, created_at in zip(near["cut"], near["created_at"], strict=True):
        leads_near.setdefault(cut.to_pydatetime(), []).append(created_at.to_pydatetime())
    found = []
    for cut in cuts:
        place = cut
        for created_at in leads_near.get(cut, ()):
            if created_at <= place + QUIET:
                place = created_at + QUIET + timedelta(milliseconds=1)
        if place <= cut + _LATEST_CUT - QUIET:
            found.append(place)
    return found


def _held(store: Store, stretches: Sequence[Stretch]) -> list[_Held]:
    if not stretches:
        return []
    rows = store.query(
        "with stretches as (select unnest($begins) as begins_at, unnest($ends) as ends_at) "
        "select s.begins_at, l.status, count(*) as n, count(a.lead_id) as n_missed "
        "from leads as l asof join stretches as s on l.created_at >= s.begins_at "
        "left join absences as a on a.lead_id = l.lead_id "
        "where l.created_at < s.ends_at and l.deleted_at_source is null group by s.begins_at, l.status",
        {"begins": [begin for begin, _ in stretches], "ends": [end for _, end in stretches]},
    )
    held: dict[datetime, _Held] = {begin: _Held((begin, end), {}, 0) for begin, end in stretches}
    for begin, status, n, n_missed in zip(*(rows[name] for name in rows.columns), strict=True):
        one = held[begin.to_pydatetime()]
        held[one.stretch[0]] = _Held(one.stretch, {**one.by_status, status: int(n)}, one.n_missed + int(n_missed))
    return list(held.values())


def read_lately(store: Store, now: datetime) -> list[Stretch]:
    """What was read with certainty within READ_EVERY, row by row: unbroken stretches in order."""
    rows = store.query(
        "select created_from, least(created_to, observed_at) as created_to from slices "
        "where is_certain and how = 'read' and observed_at > $since and observed_at <= $now order by created_from",
        {"since": now - READ_EVERY, "now": now},
    )
    read: list[Stretch] = []
    for begin, end in zip(rows["created_from"], rows["created_to"], strict=True):
        if read and begin <= read[-1][1]:
            read[-1] = (read[-1][0], max(read[-1][1], end.to_pydatetime()))
        else:
            read.append((begin.to_pydatetime(), end.to_pydatetime()))
    return read
