"""The bands: how far back a sweep reaches, and which one is due."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from leadlib.store import Store


@dataclass(frozen=True)
class Band:
    """A sweep that comes round: how far back it reaches (None: the whole window), and how often it is due."""

    kind: str
    reach: timedelta | None
    every: timedelta


COLD = Band("cold", None, timedelta(hours=6))
WARM = Band("warm", timedelta(days=14), timedelta(hours=1))
HOT = Band("hot", timedelta(hours=48), timedelta(0))
BANDS = (COLD, WARM, HOT)
"""Widest first: each one reads what the next would."""

NIGHTLY_ABOVE = 100_000
"""With more leads in the window than this the whole of it is swept once a night, not every six hours."""

NIGHT_BEGINS = time(3)
"""When, on the clock of the account's zone: few leads come and few agents work."""

TRIES_AN_HOUR = 2
"""How often a sweep that stays uncertain is tried within an hour: at once again, but not for ever at full cost."""

SLACK = timedelta(minutes=1)
"""How much early a sweep may be: a timer that fires each hour does not do so to the second."""

_WINDOW = timedelta(days=92)
_HOUR = timedelta(hours=1)


def due_band(store: Store, now: datetime) -> Band:
    """The widest band that is due at `now` (the local clock, by which syncs are dated).

    A band is due again when its time has passed since a sweep of it, or of a wider one, that succeeded with certainty.
    One in the future is none: a clock was set back.
    """
    return next((band for band in BANDS[:-1] if _is_due(store, band, now)), HOT)


def window_every(store: Store, now: datetime) -> timedelta:
    """How often the whole window is due to be swept, with as many leads in it as there are."""
    return timedelta(days=1) if _is_large(store, now) else COLD.every


def begins_at(store: Store, band: Band, portal_now: datetime) -> datetime | None:
    """From which createdAt on a sweep of the band reads; None if that is for the portal to say.

    After an outage it reaches back as far before the last certain sweep's end as it ordinarily does before now: leads
    can have appeared late all through the outage.
    """
    if band.reach is None:
        return None
    last_end = store.query(
        "select max(created_to) as last_end from syncs where kind in (select unnest($kinds)) "
        "and outcome in ('complete', 'uncertain') and n_uncertain = 0 and created_to <= $now",
        {"kinds": _as_wide_as(band), "now": portal_now},
    )["last_end"]
    known = last_end.dropna()
    latest = portal_now if known.empty else known.iloc[0].to_pydatetime().astimezone(UTC)
    return min(portal_now, latest) - band.reach


def _is_due(store: Store, band: Band, now: datetime) -> bool:
    since = _last_night(store, now) if band is COLD and _is_large(store, now) else now - band.every + SLACK
    swept = store.query(
        "select "
        "count(*) filter (n_uncertain = 0 and kind in (select unnest($kinds)) and started_at >= $since) as n_certain, "
        "count(*) filter (n_uncertain > 0 and kind = $kind and started_at > $hour_ago) as n_doubtful "
        "from syncs where outcome in ('complete', 'uncertain') and started_at <= $now",
        {"kinds": _as_wide_as(band), "kind": band.kind, "since": since, "hour_ago": now - _HOUR, "now": now},
    ).iloc[0]
    return bool(swept["n_certain"] == 0 and swept["n_doubtful"] < TRIES_AN_HOUR)


def _as_wide_as(band: Band) -> list[str]:
    return [other.kind for other in BANDS[: BANDS.index(band) + 1]]


def _is_large(store: Store, now: datetime) -> bool:
    held = store.query(
        "select count(*) as n from leads where created_at >= $start and deleted_at_source is null",
        {"start": now - _WINDOW},
    )
    return bool(held["n"].iloc[0] > NIGHTLY_ABOVE)


def _last_night(store: Store, now: datetime) -> datetime:
    local = now.astimezone(store.timezone)
    tonight = datetime.combine(local.date(), NIGHT_BEGINS, tzinfo=store.timezone)
    return tonight if tonight <= local else tonight - timedelta(days=1)
