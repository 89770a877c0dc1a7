"""leadlib outside the app: a store to ask from a notebook or a script, and answers that say what they mean.

`leadlib.open()` is the way in. Numbers come from where the screens and `python -m leadlib metrics` take them.
"""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import plotly.graph_objects as go

from leadlib import charts, formats
from leadlib.cells import frame_cells
from leadlib.config import load_settings
from leadlib.errors import FilterError, SqlCellError
from leadlib.export import chosen_columns, iter_batches
from leadlib.filters import Filters, describe
from leadlib.metrics import METRICS, QUESTIONS, compute, metric_named
from leadlib.sql_cells import OFF, run_sql
from leadlib.store import Store
from leadlib.theme import Theme

FilterValues = Mapping[str, str | int | Iterable[str | int]]

CHARTS: Mapping[str, str] = {
    "volume": "volume",
    "volume_change": "volume_change",
    "senders_over_time": "senders",
    "heat_map": "heat_map",
    "funnel": "funnel",
    "stage_times": "stage_times",
    "transitions": "transitions",
    "status_counts": "status",
    "breakdown": "response_rates",
    "agents": "response_rates",
    "reply_shares": "reply_shares",
    "reply_curve": "reply_curve",
    "replies_by": "replies_by",
    "badges": "badges",
    "backlog": "backlog",
    "reply_chances": "reply_chances",
    "decay": "decay",
    "rate_mix": "rate_mix",
}
"""The chart of leadlib.charts that draws a question's frame, without its `plot_`."""

CHARTS_BY_WEEK: Mapping[str, str] = {
    "breakdown": "response_trend",
    "within_hours": "within_trend",
    "replies_by": "reply_trend",
}
"""The same for frames by week."""

_ROWS_SHOWN = 60


def open_store(path: str | Path | None = None) -> "LeadStore":
    """The store in the folder that the settings name, or in `path`, to be read: `leadlib.open`.

    It is the newest published state and stays so; open anew for a newer one. The app may run meanwhile. Settings come
    from where the app has them (environment, `.streamlit/secrets.toml`). Raises SettingsError or StoreError.
    """
    settings = load_settings()
    folder, options = settings.database, settings.of_store
    if path is not None:
        folder, options["portal"], options["shared"] = Path(path).expanduser(), "", None
    return LeadStore(Store.open_beside(folder, **options), with_sql=settings.sql_cells)


@dataclass(frozen=True)
class Answer:
    """A frame that knows what it says: `frame` has the numbers, `definition` what they mean, `figure()` their chart.

    `name` is the metric or question that was asked, `by` the group, `filters` the leads, `as_of` the newest look at the
    portal that is in it. Notebooks show it as a table with all of that.
    """

    frame: pd.DataFrame
    name: str
    by: str | None
    filters: Filters
    options: Mapping[str, Any]
    as_of: datetime | None
    timezone: ZoneInfo
    _store: Store

    @property
    def label(self) -> str:
        """The name on the screens."""
        return self.name if self.name in QUESTIONS else metric_named(self.name).label

    @property
    def definition(self) -> str:
        """One sentence."""
        if self.name in QUESTIONS:
            return _meaning(self.name)
        return metric_named(self.name).definition

    @property
    def scope(self) -> str:
        """Which leads, as of when, and in which zone days begin."""
        when = formats.instant(self.as_of, self.timezone) if self.as_of else "never: the store is empty"
        return f"{describe(self.filters)}, as of {when} ({self.timezone.key})"

    def figure(self, theme: Theme = "light") -> go.Figure:
        """The chart that the screens draw of it. Raises FilterError if there is none."""
        plot = getattr(charts, f"plot_{self._chart()}")
        figure: go.Figure = plot(self._whole(), theme=theme)
        return figure

    def takeaway(self) -> str:
        """What the chart shows, in one sentence. Raises FilterError if there is none."""
        sentence: str = getattr(charts, f"{self._chart()}_takeaway")(self._whole())
        return sentence

    def _question(self) -> str:
        if self.name in QUESTIONS:
            return self.name
        # Of the many numbers of a breakdown the response rate is what its chart shows.
        if self.name == "response_rate" and self.by not in {None, "none"}:
            return "breakdown"
        question = metric_named(self.name).question
        return "replies_by" if question == "reply_shares" and self.by not in {None, "none"} else question

    def _chart(self) -> str:
        question = self._question()
        if question == "funnel" and self.by == "channel":
            return "funnel_by_channel"
        known = CHARTS_BY_WEEK if self.by == "week" else CHARTS
        if question not in known:
            raise FilterError(
                f"There is no chart of “{self.name}” like this. There are charts of {', '.join(known)}.", self.name
            )
        return known[question]

    def _whole(self) -> pd.DataFrame:
        return compute(self._question(), self._store, self.filters, self.by, **self.options)

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, column: str) -> pd.Series:
        found: pd.Series = self.frame[column]
        return found

    def __repr__(self) -> str:
        names, rows = self._cells()
        body = pd.DataFrame(rows, columns=names).to_string(index=False) if rows else "No leads."
        return f"{self.label}: {self.definition}\n{self.scope}.\n\n{body}"

    def _repr_html_(self) -> str:
        """A table for notebooks. Every text is escaped: names and titles come from the portal."""
        names, rows = self._cells()
        head = "".join(f"<th>{escape(name)}</th>" for name in names)
        body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows[:_ROWS_SHOWN])
        more = (
            f"<p>{formats.number(len(rows) - _ROWS_SHOWN)} more rows in .frame</p>" if len(rows) > _ROWS_SHOWN else ""
        )
        return (
            f"<div><p><strong>{escape(self.label)}</strong> – {escape(self.definition)}<br>"
            f"<small>{escape(self.scope)}</small></p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}</div>"
        )

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        return frame_cells(self.frame, self.timezone, with_hours=self.options.get("grain") == "hour")


class LeadStore:
    """A store to be read: `metric` for numbers, `leads` for the leads themselves, `sql` for any other question over
    them, `metrics` for what can be asked.

    Filters are those of the screens: `{"type": "call", "from": "2026-09-01"}`, a value or several for each name.
    """

    def __init__(self, store: Store, *, with_sql: bool = True) -> None:
        self._store = store
        self._with_sql = with_sql
        self._generation = store.published()

    @property
    def as_of(self) -> datetime | None:
        """The newest look at the portal that is in it, UTC; None while it is empty."""
        return self._store.as_of()

    @property
    def timezone(self) -> ZoneInfo:
        """Where days begin."""
        return self._store.timezone

    @property
    def portal(self) -> str:
        """Whose leads they are."""
        return self._store.portal

    def metric(self, name: str, by: str | None = None, filters: FilterValues | None = None, **options: Any) -> Answer:
        """A metric, or the frame of a question, for the filtered leads, per `by` if it takes groups.

        `options` are those of `metrics.compute`: grain, clock, within, then, now, period. Raises FilterError for what
        is not known, with the nearest that is.
        """
        asked = _filters(filters)
        try:
            frame = compute(name, self._store, asked, by, **options)
        except TypeError as error:
            known = ("grain", "clock", "within", "then", "now", "period")
            strangers = [option for option in options if option not in known]
            if not strangers:
                raise
            raise FilterError(
                f"There is no option “{strangers[0][:40]}”. Known: {', '.join(known)}.", strangers[0]
            ) from error
        return Answer(frame, name, by, asked, options, self.as_of, self.timezone, self._store)

    def leads(self, filters: FilterValues | None = None) -> pd.DataFrame:
        """The filtered leads, newest first and then by id, with the columns of an export but the personal ones.

        Times are UTC, created_local is on the account's clock.
        """
        columns = chosen_columns(personal=False)
        batches = [batch.to_pandas() for batch in iter_batches(self._store, _filters(filters), columns)]
        return pd.concat(batches, ignore_index=True) if batches else pd.DataFrame(columns=[c.name for c in columns])

    def sql(self, text: str, filters: FilterValues | None = None) -> pd.DataFrame:
        """The rows of one SELECT, as a SQL cell of the app's notebooks has them: same relations, same limits.

        `filtered_leads` are the leads under `filters`; times with a zone are in UTC. Warns where rows were cut off.
        Raises SqlCellError, also where LEADLIB_SQL_CELLS is off, and where the app has published newer leads since this
        store was opened: it would be the only answer that speaks of them.
        """
        if not self._with_sql:
            raise SqlCellError(OFF)
        answer = run_sql(self._store.folder, text, _filters(filters))
        if answer.sequence != self._generation:
            raise SqlCellError("There are newer leads than those of this store. Open it anew: store = leadlib.open()")
        if answer.is_cut:
            warnings.warn(f"Only the first {formats.count_of(len(answer.frame), 'row')} are here.", stacklevel=2)
        return answer.frame

    def metrics(self) -> pd.DataFrame:
        """What can be asked: one row per metric. Columns: name, label, unit, definition. Questions have rows too."""
        rows = [(metric.key, metric.label, str(metric.unit), metric.definition) for metric in METRICS]
        rows += [(name, name, "frame", _meaning(name)) for name in QUESTIONS]
        return pd.DataFrame(rows, columns=["name", "label", "unit", "definition"])

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> "LeadStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        newest = formats.instant(self.as_of, self.timezone) if self.as_of else "empty"
        return f"<leadlib store of {self.portal}, as of {newest} ({self.timezone.key})>"


def _meaning(question: str) -> str:
    return (QUESTIONS[question].ask.__doc__ or "").partition("\n")[0]


def _filters(values: FilterValues | None) -> Filters:
    return Filters.of(
        {
            key: [str(value)] if isinstance(value, str | int) else [str(one) for one in value]
            for key, value in (values or {}).items()
        }
    )
