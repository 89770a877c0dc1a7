"""The tables of the documents follow from the code's: a filter, metric or setting that is not in them fails here.

`python -m tests.test_docs` writes them anew.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadlib.access import RIGHTS, ROLES
from leadlib.config import SETTINGS
from leadlib.export import COLUMNS
from leadlib.filters import FIELDS
from leadlib.metrics import METRICS, QUESTIONS, metric_named
from leadlib.metrics.table import OWN
from leadlib.ui.links import PARAMS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
METRICS_MD = ROOT / "docs" / "metrics.md"
ACCESS_MD = ROOT / "docs" / "access.md"


def metrics_table() -> Iterator[str]:
    """The numbers of the cards: all others are in docs/metrics.md."""
    yield "| name | number | what it means |"
    yield "|---|---|---|"
    for metric in METRICS:
        if metric.question == "summary":
            yield f"| `{metric.key}` | {metric.label} | {metric.definition} |".replace("\u00a0", " ")


def all_metrics_table() -> Iterator[str]:
    yield "| name | number | unit | what it means | out of |"
    yield "|---|---|---|---|---|"
    for metric in METRICS:
        source = f"`{metric.sql}.sql`" + ("" if metric.question == OWN else f", `{metric.question}`")
        row = f"| `{metric.key}` | {metric.label} | {metric.unit} | {metric.definition} | {source} |"
        yield row.replace("\u00a0", " ")


def questions_table() -> Iterator[str]:
    yield "| name | what its frame has |"
    yield "|---|---|"
    for name, question in QUESTIONS.items():
        words = (inspect.getdoc(question.ask) or "").partition("\n")[0].replace("|", "\\|")
        yield f"| `{name}` | {words} |"


def columns_table() -> Iterator[str]:
    yield "| column | what it means |"
    yield "|---|---|"
    for column in COLUMNS:
        personal = " Only on request: it is personal." if column.is_personal else ""
        yield f"| `{column.name}` | {column.meaning}{personal} |"


def filters_table() -> Iterator[str]:
    yield "| name | filter | `filter` dialect | `flat` dialect | what it does |"
    yield "|---|---|---|---|---|"
    for field in FIELDS:
        params = [f"`{field.params[d]}`" if d in field.params else "filtered here" for d in ("filter", "flat")]
        yield f"| `{field.key}` | {field.label} | {params[0]} | {params[1]} | {field.help} |"


def settings_table() -> Iterator[str]:
    yield "| name | meaning | default |"
    yield "|---|---|---|"
    for setting in SETTINGS:
        yield f"| `{setting.name}` | {setting.meaning} | {setting.default} |"


def rights_table() -> Iterator[str]:
    yield f"| right | what it allows | {' | '.join(ROLES)} |"
    yield f"|---|---|{'---|' * len(ROLES)}"
    for right in RIGHTS:
        ticks = " | ".join("yes" if role in right.roles else "–" for role in ROLES)
        yield f"| `{right.name}` | {right.meaning} | {ticks} |"


TABLES = {
    "metrics": (README, metrics_table),
    "filters": (README, filters_table),
    "settings": (README, settings_table),
    "all metrics": (METRICS_MD, all_metrics_table),
    "questions": (METRICS_MD, questions_table),
    "columns": (METRICS_MD, columns_table),
    "rights": (ACCESS_MD, rights_table),
}


def with_table(text: str, name: str) -> str:
    """`text` with the named table as the code has it."""
    table = "\n".join(TABLES[name][1]())
    return re.sub(
        rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{table}\n{m[2]}", text, count=1, flags=re.S
    )


@pytest.mark.parametrize("name", TABLES)
def test_the_documents_have_the_table_of(name: str) -> None:
    text = TABLES[name][0].read_text(encoding="utf-8")
    assert f"<!-- table: {name} -->" in text
    assert with_table(text, name) == text, "run: python -m tests.test_docs"


def test_the_metric_that_shows_how_one_is_added_is_there_word_for_word() -> None:
    text = (ROOT / "docs" / "adding-a-metric.md").read_text(encoding="utf-8")
    diff = text.partition("```diff\n")[2].partition("```")[0]
    added: dict[str, list[str]] = {}
    for line in diff.splitlines():
        if line.startswith("+++ b/"):
            added[line.removeprefix("+++ b/")] = []
        elif line.startswith("+") and not line.startswith("+++"):
            added[list(added)[-1]].append(line[1:])
    assert {"leadlib/metrics/table.py", "leadlib/sql/repeat_senders.sql"} < set(added)
    for name, lines in added.items():
        assert "\n".join(lines) in (ROOT / name).read_text(encoding="utf-8"), name
    assert metric_named("repeat_senders").question == OWN


def test_every_parameter_of_a_link_is_documented() -> None:
    documented = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs" / "url.md").read_text(encoding="utf-8")))
    assert {field.key for field in FIELDS} | {param.key for param in PARAMS} <= documented


def test_no_two_parameters_of_a_link_have_one_name() -> None:
    names = [field.key for field in FIELDS] + [param.key for param in PARAMS]
    assert len(set(names)) == len(names)


def test_relative_links_of_the_documents_lead_somewhere() -> None:
    for document in [README, *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


if __name__ == "__main__":
    for table_name, (document, _) in TABLES.items():
        document.write_text(with_table(document.read_text(encoding="utf-8"), table_name), encoding="utf-8")
