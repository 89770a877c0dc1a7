"""`metrics`: the numbers that the screens show."""

import argparse
import inspect
import json

from leadlib.cells import plain
from leadlib.cli.arguments import filters_asked
from leadlib.cli.output import tell
from leadlib.cli.stored import as_of, open_store
from leadlib.cli.tables import aligned, frame_lines, print_csv
from leadlib.config import load_settings
from leadlib.errors import FilterError
from leadlib.filters import describe


def run(asked: argparse.Namespace) -> int:
    if asked.name is None:
        print(_names_of_metrics())
        return 0
    filters = filters_asked(asked.filter)
    settings = load_settings()
    from leadlib import metrics

    with open_store(settings) as store:
        try:
            options = {name: getattr(asked, name) for name in ("grain", "clock", "within", "then", "now", "period")}
            frame = metrics.compute(asked.name, store, filters, asked.by, **options)
        except FilterError as error:
            if error.name == asked.name:
                tell(_names_of_metrics())
            raise
        heading = f"{describe(filters)}, {as_of(store)}."
    if asked.format == "table":
        print(f"{_definition(asked.name)}\n{heading}\n")
        print("\n".join(frame_lines(frame, settings.timezone, with_hours=asked.grain == "hour")))
        return 0
    tell(heading)
    rows = [{str(name): plain(value) for name, value in row.items()} for row in frame.to_dict("records")]
    if asked.format == "json":
        print(json.dumps(rows, indent=1, allow_nan=False))
    else:
        print_csv([str(name) for name in frame.columns], rows)
    return 0


def _names_of_metrics() -> str:
    from leadlib.metrics import DIMENSIONS, METRICS, QUESTIONS

    lines = ["Metrics"]
    lines += aligned([[f"  {metric.key}", metric.definition] for metric in METRICS])
    lines += ["", "Questions"]
    lines += aligned([[f"  {name}", _definition(name)] for name in QUESTIONS])
    lines += ["", f"Groups for --by: {', '.join(dimension.key for dimension in DIMENSIONS)}"]
    return "\n".join(lines)


def _definition(name: str) -> str:
    from leadlib.metrics import QUESTIONS, metric_named

    if name in QUESTIONS:
        return (inspect.getdoc(QUESTIONS[name].ask) or "").partition("\n")[0]
    metric = metric_named(name)
    return f"{metric.label}: {metric.definition}"
