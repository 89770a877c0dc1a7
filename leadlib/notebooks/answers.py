"""What a metric cell answers: the frame that the command line gives, and how it reads in a table, chart or number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from leadlib import formats
from leadlib.filters import Filters
from leadlib.formats import Grain
from leadlib.metrics import (
    ALL,
    BADGE_WORDS,
    METRICS,
    QUALITY_WORDS,
    SIGNAL_WORDS,
    SILENCE_WORDS,
    VERDICT_WORDS,
    Clock,
    Metric,
    age_range,
    age_words,
    compute,
    days_of_bucket,
    dimension_named,
    grain_named,
    metric_named,
    options_of,
    sla_words,
)
from leadlib.notebooks.model import MetricCell, Show
from leadlib.store import Store

_WORDS: Mapping[str, Mapping[str, str]] = {
    "signal": {str(key): words for key, words in SIGNAL_WORDS.items()},
    "silence": {str(key): words for key, words in SILENCE_WORDS.items()},
    "badge_verdict": {str(key): words for key, words in BADGE_WORDS.items()},
}
_VERDICTS = {str(key): words for key, words in VERDICT_WORDS.items()}
_COMPARED = {
    "previous": "against the days before",
    "weekdays": "against the same weekdays before",
    "week": "this week against the last",
    "month": "this month against the last",
}
_ONE_ROW = {"summary", "own", "within_hours", "backlog"}
_COUNTS = {"leads", "people", "place"}
_SHARES = {"share", "estimated share"}
_TIMES = ("day", "week", "month")
_NAMED = {metric.key: metric for metric in METRICS}


@dataclass(frozen=True)
class Table:
    """Rows in words and numbers; `forms` says how a column of numbers is written, by its heading (printf)."""

    frame: pd.DataFrame
    forms: Mapping[str, str] = field(default_factory=dict)


def answer(store: Store, filters: Filters, metric: str, by: str | None = None, **options: Any) -> pd.DataFrame:
    """The frame of a metric cell under these filters: that of `metrics.compute`, and of the command line."""
    return compute(metric, store, filters, by, **options)


def title_of(cell: MetricCell) -> str:
    """What stands over the cell: "Response rate so far (24 h), by agent"."""
    told = [metric_named(cell.metric).label]
    if cell.by is not None:
        told.append(group_words(cell.metric, cell.by))
    for name, choice in options_of(cell.metric, cell.by).items():
        told.append(_option_words(name, cell.asked.get(name, choice.default)))
    return ", ".join(filter(None, told))


def group_words(metric: str, by: str) -> str:
    """A group as a title has it: "by agent", "against the days before"."""
    if metric_named(metric).question == "volume_change":
        return _COMPARED[by]
    return f"by {dimension_named(by).label.lower()}"


def shows_of(metric: str, by: str | None) -> tuple[Show, ...]:
    """The forms in which such a cell reads well, the best first."""
    row = metric_named(metric)
    if by is None and (row.question in _ONE_ROW or metric == "median_reply_min"):
        return ("number", "table")
    if row.unit == "words":
        return ("table",)
    return ("line", "bar", "table") if by in _TIMES else ("bar", "table", "line")


def shown_as(show: Show, frame: pd.DataFrame, metric: str) -> tuple[Show, str]:
    """The form in which this answer can be shown, and why it is not the one that was asked for; "" if it is."""
    row = metric_named(metric)
    if show == "number" and len(_tidy(frame, row)) > 1:
        return "table", f"This has {formats.count_of(len(_tidy(frame, row)), 'row')}, so it is shown as a table."
    if show in {"bar", "line"} and row.unit == "words":
        return "table", "This is told in words, so it is shown as a table."
    return show, ""


def marks_of(
    frame: pd.DataFrame, metric: str, by: str | None, last_day: date | None = None, grain: Grain = "day"
) -> pd.DataFrame:
    """The answer as `charts.plot_table` draws it: label, name, group, value, low, high, text, is_open.

    `grain` is that of an answer over time, whose rows are buckets.
    `last_day` is the day, in the account's zone, of the newest look at the portal: what holds it is not over.
    """
    row_of = metric_named(metric)
    tidy = _tidy(frame, row_of)
    several = "key" in tidy and tidy["key"].nunique() > 1
    marks = []
    for row in tidy.to_dict("records"):
        label, group, end = _place_of(row, by, grain, has_several_groups=several, is_by_age=_is_by_age(tidy))
        name = formats.bucket(label, _grain_of(row, by, grain)) if isinstance(label, date) else str(label)
        value, low, high = (_number(row.get(name)) for name in (metric, f"{metric}_low", f"{metric}_high"))
        text = value_words(row, row_of)
        if row_of.unit in _SHARES | {"points"} and not math.isnan(value) and not math.isnan(low):
            text = f"{text} ({interval_words(row, row_of)})"
        marks.append(
            (label, name, group, value, low, high, text, end is not None and last_day is not None and end >= last_day)
        )
    columns = ["label", "name", "group", "value", "low", "high", "text", "is_open"]
    return pd.DataFrame(marks, columns=columns).astype({"is_open": bool})


def table_of(frame: pd.DataFrame, metric: str, timezone: ZoneInfo, grain: Grain = "day") -> Table:
    """The answer as a table: what a row is about, the figure with its interval and its parts, and why there is none.

    Instants are told on the clock of `timezone`, and buckets of an answer over time by their `grain`.
    """
    row_of = metric_named(metric)
    tidy = _tidy(frame, row_of)
    records = tidy.to_dict("records")
    shown: dict[str, Any] = _what_rows_are_about(tidy, grain)
    forms: dict[str, str] = {}
    _add_figure(shown, forms, tidy, records, row_of)
    for column in row_of.columns[1:]:
        if column not in tidy or column in {f"{metric}_low", f"{metric}_high", f"{metric}_quality"}:
            continue
        if column in _NAMED and _NAMED[column].label not in shown:
            _add_figure(shown, forms, tidy, records, _NAMED[column])
        elif column == "reason" or column.endswith("_reason"):
            if tidy[column].fillna("").astype(str).str.len().any():
                shown["Why not"] = tidy[column].fillna("")
        elif isinstance(tidy[column].dtype, pd.DatetimeTZDtype):
            shown[_heading(column, metric)] = [formats.instant(at, timezone) for at in tidy[column]]
        elif column not in _NAMED:
            shown[_heading(column, metric)] = tidy[column]
            if tidy[column].dtype.kind == "f":
                forms[_heading(column, metric)] = "%.2f"
    return Table(pd.DataFrame(shown, index=tidy.index), forms)


def value_words(row: Mapping[Any, Any], metric: Metric) -> str:
    """The figure of one row in words; a rate that may not be shown is told by the reason or by its bounds."""
    value = row.get(metric.key)
    quality = row.get(f"{metric.key}_quality", "enough")
    if quality == "bounds":
        return formats.percent_range(row[f"{metric.key}_low"], row[f"{metric.key}_high"])
    if quality in {"no_leads", "too_few", "not_followed"}:
        return QUALITY_WORDS[quality]
    if formats.is_missing(value) or value is None:
        return formats.MISSING_TEXT
    if metric.unit == "words":
        return _WORDS.get(metric.key, _VERDICTS).get(str(value), str(value))
    if metric.unit in _SHARES:
        return formats.percent(value, 1)
    if metric.unit == "points":
        return formats.points(value)
    if metric.unit == "minutes":
        return age_words(value, _clock(row))
    if metric.unit == "hours":
        return formats.duration(value * 3600)
    return formats.number(value, 0 if float(value).is_integer() and metric.unit in _COUNTS else 2)


def interval_words(row: Mapping[Any, Any], metric: Metric) -> str:
    """The 95 % interval of one row's figure in words; a dash where there is none."""
    low, high = row.get(f"{metric.key}_low"), row.get(f"{metric.key}_high")
    if low is None or high is None or formats.is_missing(low) or formats.is_missing(high):
        return formats.MISSING_TEXT
    if metric.unit in _SHARES:
        return formats.percent_range(low, high)
    if metric.unit == "points":
        return f"{formats.signed(low * 100, 1)} to {formats.signed(high * 100, 1)}"
    if metric.unit == "hours":
        return formats.duration_range(low * 3600, high * 3600)
    if metric.unit == "minutes":
        return age_range(low, high, _clock(row))
    return f"{formats.number(low, 2)}–{formats.number(high, 2)}"


def parts_words(row: Mapping[Any, Any], metric: Metric) -> str:
    """Of how many a rate is: "1,204 of 2,310"; "" for what is no rate."""
    if metric.numerator is None or metric.denominator is None or metric.numerator not in row:
        return ""
    return f"{formats.number(row[metric.numerator])} of {formats.number(row[metric.denominator])}"


def _option_words(name: str, value: str | int) -> str:
    """An option as a title has it; "" where it goes without saying."""
    if name == "within":
        return f"within {sla_words(int(value))}"
    if name == "clock":
        return "on the working clock" if value == "working" else ""
    if name == "grain":
        return f"per {value}"
    return "" if value == "all" else f"leads of the last {value} days"


def _tidy(frame: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Without what says the same of every row: the median of a group does not depend on an age."""
    if metric.unit == "minutes" and "age_min" in frame:
        # Its question has a row per age, named by it, where nothing is grouped.
        of_ages = ["key", "label"] if metric.question == "reply_shares" and frame["age_min"].nunique() > 1 else []
        frame = frame.drop(columns=["age_min", *of_ages]).drop_duplicates()
    return frame.reset_index(drop=True)


def _grain_of(row: Mapping[Any, Any], by: str | None, grain: Grain) -> Grain:
    if "bucket" in row:
        return grain
    return grain_named(by) if by in _TIMES and by is not None and "day" not in row else "day"


def _is_by_age(tidy: pd.DataFrame) -> bool:
    return "age_min" in tidy and bool(tidy["key"].duplicated().any())


def _what_rows_are_about(tidy: pd.DataFrame, grain: Grain) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if "bucket" in tidy:
        shown["When"] = tidy["bucket"] if grain == "hour" else tidy["bucket"].dt.date
    if "day" in tidy:
        shown |= {"Day": tidy["day"], "Earlier day": tidy["previous_day"]}
    if "label" in tidy and set(tidy["key"]) != {ALL}:
        shown["Name"] = tidy["label"]
    if "stage_label" in tidy:
        shown["Stage"] = tidy["stage_label"]
    if "weekday" in tidy:
        shown["Weekday"] = [formats.WEEKDAYS[day - 1] for day in tidy["weekday"]]
        shown["Hour"] = [formats.hour(hour) for hour in tidy["hour"]]
    if _is_by_age(tidy):
        shown["Age"] = [age_words(row["age_min"], _clock(row)) for row in tidy.to_dict("records")]
    return shown


def _add_figure(
    shown: dict[str, Any], forms: dict[str, str], tidy: pd.DataFrame, records: list[dict[Any, Any]], metric: Metric
) -> None:
    if metric.unit in {"words", "minutes", "hours"}:
        shown[metric.label] = [value_words(row, metric) for row in records]
    else:
        scale = 100 if metric.unit in _SHARES | {"points"} else 1
        shown[metric.label] = tidy[metric.key] * scale
        forms[metric.label] = _form(tidy[metric.key], metric)
    if f"{metric.key}_low" in tidy:
        shown[f"{metric.short_label}, 95 % interval"] = [interval_words(row, metric) for row in records]
    quality = f"{metric.key}_quality"
    if quality in tidy and (notes := tidy[quality].map(QUALITY_WORDS)).str.len().any():
        shown["Note"] = notes


def _form(values: pd.Series, metric: Metric) -> str:
    if metric.unit in _SHARES:
        return "%.1f %%"
    if metric.unit == "points":
        return "%+.1f"
    is_whole = values.dropna().map(lambda value: float(value).is_integer()).all()
    return "%,d" if is_whole and metric.unit in _COUNTS else "%.2f"


def _heading(column: str, metric: str) -> str:
    words = column.removeprefix(f"{metric}_").removeprefix("n_").replace("_", " ")
    return words[:1].upper() + words[1:]


def _place_of(
    row: Mapping[Any, Any], by: str | None, grain: Grain, *, has_several_groups: bool, is_by_age: bool
) -> tuple[object, str, date | None]:
    """What a row is about, the line it belongs to, and the last day of its time if it is about a time."""
    group = str(row["label"]) if has_several_groups else ""
    if "bucket" in row:
        first = row["bucket"].date()
        begin = row["bucket"].to_pydatetime() if grain == "hour" else first
        return begin, group, days_of_bucket(first, grain)[1]
    if "day" in row:
        return row["day"], "", row["day"]
    if "stage_label" in row:
        return str(row["stage_label"]), group, None
    if "weekday" in row:
        return f"{formats.WEEKDAYS[row['weekday'] - 1][:3]} {row['hour']:02d}:00", "", None
    if is_by_age:
        return age_words(row["age_min"], _clock(row)), group, None
    if by in _TIMES and by is not None:
        first = date.fromisoformat(str(row["key"]))
        return first, "", days_of_bucket(first, grain_named(by))[1]
    return str(row.get("label", "All leads")), "", None


def _clock(row: Mapping[Any, Any]) -> Clock:
    return "working" if row.get("clock") == "working" else "wall"


def _number(value: Any) -> float:
    if value is None or isinstance(value, str) or formats.is_missing(value) or math.isinf(value):
        return math.nan
    return float(value)
