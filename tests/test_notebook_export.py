"""Exported notebooks: run as their readers run them, they give the page's numbers; no text breaks out of its place.

The normal run takes one notebook with every kind of cell, the full form the built-in ones too:
`pytest tests/test_notebook_export.py --matrix full`.
"""

import ast
import io
import json
import os
import pickle
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plotly.offline import get_plotlyjs
from pypdf import PdfReader

import leadlib
from leadlib import formats
from leadlib.config import SANDBOX_PORTAL
from leadlib.errors import NotebookError, SqlCellError
from leadlib.filters import Filters
from leadlib.metrics import metric_named
from leadlib.notebooks import (
    BUILTIN,
    Found,
    MetricCell,
    Notebook,
    SqlCell,
    TextCell,
    answer,
    chromium,
    found_by,
    read_notebook,
    to_html,
    to_ipynb,
    to_marimo,
    to_pdf,
)
from leadlib.notebooks.words import harmless, harmless_in_marimo, literal_markdown
from leadlib.proof import Facts
from leadlib.sql_cells import OFF, SqlAnswer, run_sql
from leadlib.store import Store
from tests.conftest import DUBAI, at, make_lead

SEEN = at("2026-09-20 10:00")
CALLS = Filters.of({"type": ["call"], "from": ["2026-09-02"]})
NASTY = 'It\'s "quoted", \'\'\'so\'\'\' and """so""" \\ \\n {cell_1} {{x}} %s\n```\n</script><img src=https://x.example/a.png>'
EVERY_KIND = Notebook(
    "every-kind",
    f"Every kind of cell {NASTY}",
    (
        TextCell(f"## Words\n\n{NASTY}\n\n![pixel](https://x.example/p.png)"),
        MetricCell("response_rate", "channel", show="bar"),
        MetricCell("leads", filters=Filters(), show="number"),
        MetricCell("leads", "week", show="line"),
        SqlCell(
            "-- By \"stage\"\nselect stage, count(*) as \"n ''' {x}\", 'a\\b' as t\n"
            "from filtered_leads group by 1\norder by 1"
        ),
        MetricCell("repeat_leads", show="line", options=(("grain", "week"),)),
        MetricCell("replied_within", "channel", Filters(), options=(("clock", "working"), ("within", 15))),
    ),
)
FACTS = Facts("test", SEEN, DUBAI, f"Channel call {NASTY}", "http://localhost/notebook?v=1", CALLS)
NOTHING: list[Found] = [None] * len(EVERY_KIND.cells)
AS_OF = formats.instant(SEEN, DUBAI)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60)

# What a file has found is written down: by marimo's own call, and in one more cell of the Jupyter file.
KEEP = (
    "import pickle\n"
    "with open({kept}, 'wb') as file:\n"
    "    found = {{name: found for name, found in {names}.items() if name.startswith('cell_')}}\n"
    "    pickle.dump({{name: getattr(found[name], 'frame', found[name]) for name in found}}, file)\n"
)
RUN_MARIMO = (
    "import runpy, sys\n"
    "outputs, names = runpy.run_path(sys.argv[1])['app'].run()\n"
    f"{KEEP.format(kept='sys.argv[2]', names='names')}"
)
RUN_JUPYTER = (
    "import sys, nbclient, nbformat\n"
    "notebook = nbformat.read(sys.argv[1], as_version=4)\n"
    f"keep = {KEEP.format(kept='%r', names='dict(globals())')!r} % sys.argv[2]\n"
    "notebook.cells.append(nbformat.v4.new_code_cell(keep))\n"
    "nbclient.NotebookClient(notebook, timeout=60, kernel_name='python3').execute()\n"
    "nbformat.write(notebook, sys.argv[1])\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of forty leads of two channels and ten days, half of them responded; nobody holds it."""
    folder = tmp_path_factory.mktemp("leads") / "store"
    with Store.open(folder, timezone=DUBAI, portal=SANDBOX_PORTAL) as store:
        leads = [
            make_lead(
                str(n),
                f"2026-09-{n % 10 + 1:02}T06:00:00Z",
                channel="call" if n % 2 else "whatsapp",
                status="replied" if n % 4 == 1 else "sent",
            )
            for n in range(40)
        ]
        store.write_leads(leads, observed_at=SEEN)
        store.publish()
    return folder


@pytest.fixture
def notebooks(request: pytest.FixtureRequest) -> tuple[Notebook, ...]:
    return (EVERY_KIND, *BUILTIN) if request.config.getoption("--matrix") == "full" else (EVERY_KIND,)


def run(script: str, file: Path, folder: Path) -> dict[str, pd.DataFrame]:
    """What the exported file finds, run by itself in a process of its own."""
    kept = file.with_suffix(".pickle")
    environment = {**os.environ, "LEADLIB_DATABASE": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", script, str(file), str(kept)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, pd.DataFrame] = pickle.loads(kept.read_bytes())  # noqa: S301  # our own process wrote it
    return found


def own_or(cell: MetricCell, page: Filters) -> Filters:
    return page if cell.filters is None else cell.filters


def on_the_page(notebook: Notebook, page: Filters, folder: Path) -> dict[str, pd.DataFrame]:
    """The frames from the functions that the page calls."""
    frames = {}
    with Store.open_beside(folder, timezone=DUBAI, portal=SANDBOX_PORTAL) as store:
        for place, cell in enumerate(notebook.cells, 1):
            if isinstance(cell, MetricCell):
                frames[f"cell_{place}"] = answer(store, own_or(cell, page), cell.metric, cell.by, **cell.asked)
            elif isinstance(cell, SqlCell):
                frames[f"cell_{place}"] = run_sql(folder, cell.sql, page).frame
    return frames


def assert_same(found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    assert found.keys() == expected.keys()
    for name in expected:
        pd.testing.assert_frame_equal(found[name], expected[name], check_exact=True, obj=name)


def test_the_jupyter_file_gives_the_numbers_of_the_page(
    notebooks: tuple[Notebook, ...], folder: Path, tmp_path: Path
) -> None:
    for notebook in notebooks:
        file = tmp_path / f"{notebook.name}.ipynb"
        file.write_text(to_ipynb(notebook, FACTS, [None] * len(notebook.cells)), encoding="utf-8")
        nbformat.validate(nbformat.read(file, as_version=4))
        expected = on_the_page(notebook, CALLS, folder)
        assert_same(run(RUN_JUPYTER, file, folder), expected)
    rates = json.loads((tmp_path / "every-kind.ipynb").read_text(encoding="utf-8"))["cells"][3]
    shown = "".join(rates["outputs"][0]["data"]["text/html"])
    assert metric_named("response_rate").label in shown
    assert f"Channel call · from 2026-09-02, as of {AS_OF} (Asia/Dubai)" in shown


def test_the_marimo_file_gives_the_numbers_of_the_page(
    notebooks: tuple[Notebook, ...], folder: Path, tmp_path: Path
) -> None:
    for notebook in notebooks:
        file = tmp_path / f"{notebook.name}.py"
        file.write_text(to_marimo(notebook, FACTS, [None] * len(notebook.cells)), encoding="utf-8")
        assert_same(run(RUN_MARIMO, file, folder), on_the_page(notebook, CALLS, folder))


def test_a_file_says_which_leads_as_of_when_and_what_the_numbers_mean() -> None:
    plain = Facts("Acme", SEEN, DUBAI, "Channel call", "http://localhost/notebook?v=1")
    about = json.loads(to_ipynb(EVERY_KIND, plain, NOTHING))["cells"][0]["source"]
    for words in (
        "**Leads:** Channel call",
        "**Portal:** Acme",
        f"**As of:** {AS_OF}",
        "Asia/Dubai",
    ):
        assert words in about
    for key in ("response_rate", "leads"):
        assert literal_markdown(metric_named(key).definition) in about
    marimo = to_marimo(EVERY_KIND, plain, NOTHING)
    assert "Channel call" in marimo
    assert "Asia/Dubai" in marimo


@given(TEXTS, TEXTS, TEXTS)
def test_no_text_leaves_its_place(title: str, words: str, sql: str) -> None:
    notebook = Notebook("n", title, (TextCell(words), SqlCell(sql)))
    facts = Facts(title, None, DUBAI, words, sql)
    cells = json.loads(to_ipynb(notebook, facts, [None, None]))["cells"]
    assert [cell["cell_type"] for cell in cells] == ["markdown", "code", "markdown", "code"]
    assert cells[2]["source"] == harmless(words)
    (asked, _) = ast.parse(cells[3]["source"]).body
    assert isinstance(asked, ast.Assign)
    assert isinstance(asked.value, ast.Call)
    assert ast.literal_eval(asked.value.args[0]) == sql
    module = ast.parse(to_marimo(notebook, facts, [None, None]))
    bodies = [one.body for one in module.body if isinstance(one, ast.FunctionDef)]
    assert [len(body) for body in bodies] == [5, 2, 2, 3]
    (said, _) = bodies[2]
    assert isinstance(said, ast.Expr)
    assert isinstance(said.value, ast.Call)
    assert ast.literal_eval(said.value.args[0]) == harmless_in_marimo(words)


def test_words_of_others_bring_no_image_no_html_and_no_markdown_of_their_own() -> None:
    assert harmless("![p](https://x.example/p.png) <img src=x> </b> a < b") == (
        "[p](https://x.example/p.png) &lt;img src=x> &lt;/b> a < b"
    )
    assert harmless_in_marimo("a ::lucide:x:: b::c :: d:e:: ::f:g") == "a :\u2060:lucide:x:: b::c :: d:e:: ::f:g"
    assert literal_markdown("![p](https://x.example)\n# <b>*") == (
        "&#33;&#91;p&#93;(https&#58;//x.example) &#35; &#60;b&#62;&#42;"
    )


def test_sql_outside_the_app_has_the_rows_of_a_cell_and_only_those_of_the_open_store(store: Store) -> None:
    store.write_leads([make_lead("a"), make_lead("b", channel="call")], observed_at=SEEN)
    store.publish()
    asked = "select channel, count(*) as n from filtered_leads group by 1"
    with leadlib.open(store.folder) as outside:
        assert outside.sql(asked, {"type": "call"}).to_dict("list") == {"channel": ["call"], "n": [1]}
        with pytest.warns(UserWarning, match="Only the first 10,000"):
            assert len(outside.sql("select 1 as x from range(10001)")) == 10_000
        with pytest.raises(SqlCellError, match="exactly one SELECT"):
            outside.sql("drop table leads")
        store.write_leads([make_lead("c")], observed_at=at("2026-09-20 11:00"))
        store.publish()
        with pytest.raises(SqlCellError, match="newer leads than those of this store"):
            outside.sql(asked)


# As a page of its own


class Page(HTMLParser):
    """The elements of a page, with what could ask a server for something, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.asks: list[str | None] = []
        self.words = ""
        self.handlers: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.asks += [value for name, value in attrs if name in {"src", "href", "srcset", "data", "action", "poster"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] not in (["script"], ["style"]):
            self.words += data


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    with Store.open_beside(folder, timezone=DUBAI, portal=SANDBOX_PORTAL) as store:
        return to_html(EVERY_KIND, FACTS, found_by(store, EVERY_KIND, CALLS))


def test_the_page_asks_no_server_and_links_only_to_where_it_came_from(page: str) -> None:
    read = Page(page)
    assert read.asks == [FACTS.link]
    assert read.handlers == []
    assert not {"img", "link", "iframe", "object", "embed", "base", "form"} & set(read.tags)
    assert "Content-Security-Policy\" content=\"default-src 'none'" in page
    assert "@import" not in re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0]
    assert "url(" not in re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0]
    assert page.count("plotly.js v") == 1


def test_the_page_has_the_numbers_the_tables_behind_charts_and_the_facts(page: str) -> None:
    read = Page(page)
    assert (read.tags.count("h1"), read.tags.count("table"), read.tags.count("details")) == (1, 5, 4)
    for words in (NASTY.replace("\n", " ")[:30], "Channel call", "Asia/Dubai", AS_OF, "50.0 %", "Only here: All leads"):
        assert words in read.words, words
    assert re.search(r'<div class="card"><h2>Leads</h2><b>40</b>', page)
    assert metric_named("response_rate").definition in read.words


def test_a_pdf_has_the_words_the_figures_and_the_proof_of_the_page_and_asks_nobody(page: str, tmp_path: Path) -> None:
    program = chromium()
    if program is None:
        if os.environ.get("LEADLIB_REQUIRE_BROWSER") == "1":
            pytest.fail("LEADLIB_REQUIRE_BROWSER=1, but no Chromium is on the PATH")
        pytest.skip("no Chromium on the PATH")
    content = to_pdf(page, program)
    printed = PdfReader(io.BytesIO(content), strict=True)
    words = " ".join("\n".join(sheet.extract_text() for sheet in printed.pages).split())
    for said in (
        "Every kind of cell",
        "Channel call",
        "Asia/Dubai",
        AS_OF.replace("\u00a0", " "),
        FACTS.link,
        "50.0 %",
    ):
        assert said in words, said
    assert "Leads 40 Only here: All leads" in words
    assert "Week of 31 Aug 2026" in words
    assert metric_named("leads").definition in words
    width, height = (round(float(side) / 72 * 25.4) for side in printed.pages[0].mediabox[2:])
    assert (width, height) == (210, 297)
    path = tmp_path / "n.pdf"
    for altered, is_altered in (
        (content, False),
        (content.replace(b"/Length", b"/Lengtb", 1), True),  # a sheet
        (content.replace(b'"filter_words": "C', b'"filter_words": "D'), True),  # the facts
        (content + b"\n", True),
    ):
        path.write_bytes(altered)
        read = read_notebook(path)
        assert read is not None
        assert read.is_altered is is_altered
        assert read.told["restore_link"] == FACTS.link


def test_a_browser_that_makes_no_pdf_or_takes_too_long_is_ended_and_says_what_to_do_instead(tmp_path: Path) -> None:
    for script, why in (
        ("exit 0", "wrote none"),
        ("sleep 60 & wait", "longer than 0.2 s"),
        (None, "FileNotFoundError"),
    ):
        program = tmp_path / "chromium"
        program.unlink(missing_ok=True)
        if script is not None:
            program.write_text(f'#!/bin/sh\necho "$HOME $SECRET $@" > {tmp_path}/told\n{script}\n')
            program.chmod(0o755)
        with pytest.raises(NotebookError, match=f"{re.escape(why)}.*print it to a PDF"):
            to_pdf("<p>Hello", str(program), seconds=0.2)
    home, *switches = (tmp_path / "told").read_text().split()
    assert not Path(home).exists()
    assert "--proxy-server=http://127.0.0.1:9" in switches
    assert ("--no-sandbox" in switches) == (os.geteuid() == 0)


def test_links_of_the_words_stand_as_words() -> None:
    words = "[Look](https://x.example/a) ![p](https://x.example/p.png) <b onclick=x>bold</b> [j](javascript:alert(1))"
    text = to_html(Notebook("n", "T", (TextCell(words),)), Facts("P", None, DUBAI, "All leads"), [None])
    assert Page(text).asks == []
    assert "Look (https://x.example/a) p (https://x.example/p.png)" in text
    assert "&lt;b onclick=x&gt;" in text
    assert "plotly" not in text


@settings(max_examples=20, deadline=None)  # each has the whole of Plotly's script in it
@given(TEXTS, TEXTS)
def test_no_text_leaves_its_place_on_the_page(title: str, words: str) -> None:
    notebook = Notebook("n", title, (SqlCell(f"-- {title}\n{words}"), SqlCell(words, "bar")))
    frame = pd.DataFrame({f"a{title}": [f"{words}</script><script>"], "b": [1]})
    found = SqlAnswer(frame, is_cut=False, seconds=0.1, sequence=1)
    text = to_html(notebook, Facts(title, None, DUBAI, words), [f"Wrong: {words}", found])
    text = text.replace(get_plotlyjs(), "")
    assert [tag for tag in Page(text).tags if tag == "script"] == ["script"] * 4
    assert Page(text).asks == []


def test_a_cell_without_an_answer_says_why_and_others_go_on(store: Store) -> None:
    store.write_leads([make_lead("a")], observed_at=SEEN)
    store.publish()
    notebook = Notebook(
        "n", "T", (SqlCell("drop table leads"), MetricCell("leads", show="number"), SqlCell("select 1"))
    )
    found = found_by(store, notebook, Filters())
    assert "exactly one SELECT" in str(found[0])
    assert isinstance(found[1], pd.DataFrame)
    assert found_by(store, notebook, Filters(), with_sql=False)[2] == OFF
    text = to_html(notebook, FACTS, found)
    assert "A cell takes exactly one SELECT" in text
    assert "<b>1</b>" in text
