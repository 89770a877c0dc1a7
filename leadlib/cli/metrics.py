"""`metrics`: the numbers that the screens show."""

import argparse
import inspect

from leadlib.cli.arguments import filters_asked
from leadlib.cli.output import tell
from leadlib.cli.settings import settings_asked
from leadlib.cli.stored import as_of, open_store
from leadlib.cli.tables import aligned, frame_lines
from leadlib.errors import FilterError
from leadlib.filters import describe


def run(asked: argparse.Namespace) -> int:
    if asked.name is None:
        print(_names_of_metrics())
        return 0
    filters = filters_asked(asked.filter)
    settings = settings_asked()
    from leadlib import metrics, proof

    with open_store(settings) as store:
        try:
            options = {name: getattr(asked, name) for name in ("grain", "clock", "within", "then", "now", "period")}
            frame = metrics.compute(asked.name, store, filters, asked.by, **options)
        except FilterError as error:
            if error.name == asked.name:
                tell(_names_of_metrics())
            raise
        heading = f"{describe(filters)}, {as_of(store)}."
        about: dict[str, object] = {}
        if asked.format != "table":
            facts = proof.Facts.of(store, filters, describe(filters), proof.link_of(filters))
            about = proof.answer_about(facts, asked.name, asked.by, options, frame)
    if asked.format == "table":
        print(f"{_definition(asked.name)}\n{heading}\n")
        print("\n".join(frame_lines(frame, settings.timezone, with_hours=asked.grain == "hour")))
        return 0
    tell(heading)
    if asked.format == "json":
        print(proof.answer_to_json(frame, about))
    else:
        print(proof.answer_to_csv(frame, about), end="")
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
