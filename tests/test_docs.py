"""The README's tables follow from the code's: a filter, metric or setting that is not in them fails here.

`python -m tests.test_docs` writes them anew.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadlib.config import SETTINGS
from leadlib.filters import FIELDS
from leadlib.metrics import METRICS
from leadlib.ui.links import PARAMS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"


def metrics_table() -> Iterator[str]:
    yield "| name | number | unit | what it means |"
    yield "|---|---|---|---|"
    for metric in METRICS:
        yield f"| `{metric.key}` | {metric.label} | {metric.unit} | {metric.definition} |".replace("\u00a0", " ")


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


TABLES = {"metrics": metrics_table, "filters": filters_table, "settings": settings_table}


def with_table(text: str, name: str) -> str:
    """`text` with the named table as the code has it."""
    table = "\n".join(TABLES[name]())
    return re.sub(
        rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{table}\n{m[2]}", text, count=1, flags=re.S
    )


@pytest.mark.parametrize("name", TABLES)
def test_readme_has_the_table_of(name: str) -> None:
    text = README.read_text(encoding="utf-8")
    assert f"<!-- table: {name} -->" in text
    assert with_table(text, name) == text, "run: python -m tests.test_docs"


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
    content = README.read_text(encoding="utf-8")
    for table_name in TABLES:
        content = with_table(content, table_name)
    README.write_text(content, encoding="utf-8")
