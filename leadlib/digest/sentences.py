"""What the digest says: the same numbers as the screens, in sentences that follow from them alone.

Nothing about a person is in it, and no agent is named: it leaves the house. The same store gives the same words.
"""

from datetime import date, timedelta
from typing import Any

from leadlib import formats
from leadlib.digest.alerts import Alert
from leadlib.digest.message import Message, Part, Sentence, sentence
from leadlib.filters import MISSING, Filters, to_address
from leadlib.metrics import backlog, breakdown, metric_named, summary, volume_change
from leadlib.metrics.change import complete_days, ends_of
from leadlib.metrics.health import doubts
from leadlib.metrics.queries import coverage
from leadlib.notebooks import interval_words, parts_words, value_words
from leadlib.store import Store

DAYS_TOLD = 7
"""How many complete days the digest tells of, unless somebody asks for others."""

_MOST_CHANNELS = 5


def make_digest(store: Store, alerts: tuple[Alert, ...], *, days: int = DAYS_TOLD, site: str = "") -> Message:
    """The last `days` complete days of the store, and how things stand at its newest look at the portal.

    `alerts` are what is wrong now; `site` is the app's own address. Raises StoreError.
    """
    worries = [("To look at", tuple(alert.sentence for alert in alerts))] * bool(alerts)
    told = _days_told(store, days)
    if told is None:
        nothing = sentence("No complete day has been read from the portal yet, so there is nothing to tell.")
        return Message("Leads: nothing to tell yet", (*worries, ("Leads", (nothing,))), _foot(store), site)
    filters = Filters.of({"from": [told[0].isoformat()], "to": [told[1].isoformat()]})
    sections = [
        ("What came in", tuple(_arrivals(store, filters, told))),
        ("What was answered", tuple(_answers(store, filters))),
        ("What waits now", tuple(_waiting(store, filters))),
    ]
    title = f"Leads of {formats.day_range(*told)}"
    return Message(title, (*worries, *sections), _foot(store), site)


def _days_told(store: Store, days: int) -> tuple[date, date] | None:
    whole = complete_days(store, Filters(), coverage(store))
    return None if whole is None else (max(whole[0], whole[1] - timedelta(days=days - 1)), whole[1])


def _arrivals(store: Store, filters: Filters, told: tuple[date, date]) -> list[Sentence]:
    row = summary(store, filters).iloc[0]
    n = int(row["leads"])
    n_days = (told[1] - told[0]).days + 1
    lines = [
        sentence(
            Part(formats.count_of(n, "lead"), _path("volume", filters)),
            f" from {formats.count_of(row['unique_senders'], 'sender')} in {formats.count_of(n_days, 'day')}. ",
            _compared(store, filters),
        )
    ]
    gap = _gap(store, told)
    if gap:
        lines.append(sentence(gap, Part("Data health", "health"), " has the stretches."))
    channels = breakdown(store, filters, "channel", limit=_MOST_CHANNELS)
    for channel in channels.to_dict("records"):
        is_one = channel["n_groups"] == 1
        path = _path("leads", filters.with_values("type", (channel["key"],))) if is_one else None
        part = f" ({formats.percent(channel['leads'] / n)})"
        lines.append(
            sentence(f"{channel['label']}: ", Part(formats.count_of(channel["leads"], "lead"), path), part, ".")
        )
    return lines


def _compared(store: Store, filters: Filters) -> str:
    """How many they were beside the days before, and whether chance explains the difference."""
    rows = volume_change(store, filters)
    if rows.empty:
        return ""
    row = rows.iloc[0]
    if row["reason"]:
        return str(row["reason"])
    change = formats.signed((row["leads_ratio"] - 1) * 100)
    before = f"The days before had {formats.count_of(row['earlier_leads'], 'lead')}"
    if row["n_compared"] < len(rows):
        before = f"Of the {row['n_compared']} days that were read in both periods, the earlier had " + formats.count_of(
            row["earlier_leads"], "lead"
        )
    verdict = "chance explains that" if row["leads_ratio_low"] <= 1 <= row["leads_ratio_high"] else "more than chance"
    return f"{before}: {change}{formats.NBSP}%, {verdict}."


def _gap(store: Store, told: tuple[date, date]) -> str:
    from_, to = ends_of(store, told)
    if not coverage(store).contains(from_, to):
        return "Not all of these days was read, so there may have been more. "
    if any(begin < to and from_ < end for begin, end in doubts(store)):
        return "Of these days a lead may be missing. "
    return ""


def _answers(store: Store, filters: Filters) -> list[Sentence]:
    row: dict[str, Any] = {str(k): v for k, v in summary(store, filters).iloc[0].items()}
    lines = []
    for key in ("response_rate", "response_rate_of_all"):
        metric = metric_named(key)
        words, interval = value_words(row, metric), interval_words(row, metric)
        tail = ""
        if row[f"{key}_quality"] in {"few", "enough"}:
            tail = f" ({parts_words(row, metric)}; 95{formats.NBSP}% interval {interval})"
        elif row[f"{key}_quality"] == "bounds":
            tail = ", as the outcome of some is unknown"
        lines.append(sentence(f"{metric.label}: ", Part(words, _path("", filters)), f"{tail}."))
    if row["pending"]:
        lines.append(
            sentence(f"{formats.count_of(row['pending'], 'lead')} of these days may still be answered in time.")
        )
    return lines


def _waiting(store: Store, filters: Filters) -> list[Sentence]:
    row = backlog(store, Filters()).iloc[0]
    waiting = int(row["waiting"])
    if not waiting:
        return [sentence(Part("No lead", "queue"), " waits for a reply.")]
    lines = [
        sentence(
            Part(formats.count_of(waiting, "lead"), "queue"),
            f" {'waits' if waiting == 1 else 'wait'} for a reply, ",
            f"{formats.number(row['overdue'])} of them for more than {row['sla_minutes']} working minutes; the oldest "
            f"for {formats.duration(row['oldest_waiting_h'] * 3600)}.",
        )
    ]
    young = backlog(store, filters).iloc[0]
    if 0 < young["waiting"] < waiting:
        of_them = formats.count_of(young["waiting"], "lead")
        overdue = f" of them came in the days above, {formats.number(young['overdue'])} of which are overdue."
        lines.append(sentence(Part(of_them, _path("queue", filters)), overdue))
    nobody = Filters.of({"agent": [MISSING]})
    unassigned = int(backlog(store, nobody).iloc[0]["waiting"])
    if unassigned:
        lines.append(
            sentence(
                Part(formats.count_of(unassigned, "lead"), _path("queue", nobody)),
                f" {'waits' if unassigned == 1 else 'wait'} with no agent assigned.",
            )
        )
    return lines


def _foot(store: Store) -> str:
    as_of = store.as_of()
    if as_of is None:
        return "The store is empty."
    return f"As of {formats.instant(as_of, store.timezone)} ({store.timezone.key}), from {store.portal}."


def _path(page: str, filters: Filters) -> str:
    return page + to_address(filters)
