"""What others wrote reaches the screen as plain text only: Streamlit reads most of its texts as Markdown."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadlib.ui.text import literal

ROOT = Path(__file__).resolve().parents[1]
SCREEN = sorted([*(ROOT / "leadlib" / "ui").glob("*.py"), *(ROOT / "pages").glob("*.py")])

READ_AS_MARKDOWN = {
    "badge", "button", "caption", "checkbox", "date_input", "dialog", "download_button", "error", "expander",
    "file_uploader", "form_submit_button", "header", "info", "link_button", "markdown", "metric", "multiselect",
    "number_input", "page_link", "pills", "popover", "radio", "segmented_control", "select_slider", "selectbox",
    "slider", "spinner", "status", "subheader", "success", "tabs", "text_area", "text_input", "time_input", "title",
    "toast", "toggle", "warning", "write",
}  # fmt: skip
TEXTS = {"body", "label", "help", "title"}
OWN_TABLES = {"metric", "field", "fmt"}
"""Variables that hold a row of METRICS, FIELDS or FORMATS."""

OWN_WORDS = {
    "controls.py: label": "a constant of each page",
    "kpis.py: _help(row, key)": "a definition and numbers",
    "kpis.py: _periods(change)": "days",
    "kpis.py: share_text(row, key)": "a number",
    "notebook_cells.py: title_of(cell)": "labels of METRICS and DIMENSIONS",
    "notebook_cells.py: name": "labels of METRICS and DIMENSIONS",
    "notebook_cells.py: words": "a number",
    "notebook_cells.py: '\\n\\n'.join(told)": "a definition and numbers",
    "notebook_download.py: label": "one of three constants",
    "notebook_edit.py: label": "one of the constants that name options",
    "notebook_edit.py: words": "the constants of a row of tools",
    "notebook_edit.py: metric_named(cell.metric).definition": "a definition",
    "notebook_results.py: behind.name": "one of three constants",
    "notebook_results.py: label": "one of two constants",
    "notebook_sql.py: _told(answer)": "numbers",
    "notebook_sql.py: others": "a number and constants",
    "health.py: ' and '.join(counts)": "numbers",
    "changes.py: changes.FIGURE_WORDS[figure]": "one of three constants",
    "leagues.py: one": "one of three constants",
    "plots.py: title": "the constants that pages give to plots.draw, which are looked at too",
    "plots.py: target": "a page of ours",
    "plots.py: target.title": "the title of a page of ours",
    "rescue.py: value": "a number",
    "sharing.py: screen('guest_links')": "a page of ours",
    "states.py: error.title": "a constant of each kind of error",
    "status.py: status.error.title": "a constant of each kind of error",
    "volume.py: grain": "one of four constants",
    "text.py: without_images(text)": "the one place for Markdown that is meant: notebooks' words, without images",
}
"""The rest, each looked at, with what it can be."""

HTML_MADE_IN = {"text.py", "style.py", "downloads.py"}
"""The files that may call st.html: text.py escapes all it is given, the others are given nothing from outside."""


def calls(source: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def texts(call: ast.Call) -> Iterator[ast.expr]:
    """What a call gives Streamlit to be read as Markdown."""
    if ast.unparse(call.func) == "plots.draw":
        yield call.args[0]
        return
    n_texts = 2 if called(call) == "metric" else 1
    yield from call.args[:n_texts]
    yield from (keyword.value for keyword in call.keywords if keyword.arg in TEXTS)


def strange(node: ast.expr, file: str) -> Iterator[str]:
    """The parts of a text that are neither constants, nor made literal, nor known to be our own words."""
    match node:
        case ast.Constant():
            return
        case ast.JoinedStr(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts):
            for part in parts:
                yield from strange(part, file)
        case ast.FormattedValue(value=inner):
            yield from strange(inner, file)
        case ast.IfExp(body=yes, orelse=no) | ast.BinOp(left=yes, right=no):
            yield from strange(yes, file)
            yield from strange(no, file)
        case ast.Call(func=ast.Name(id="literal")):
            return
        case ast.Call(func=ast.Attribute(value=ast.Name(id="formats"))) | ast.Attribute(value=ast.Name(id="formats")):
            return
        case ast.Attribute(value=ast.Name(id=table), attr="label" | "definition" | "help") if table in OWN_TABLES:
            return
        case ast.Name(id=name) if name.isupper():
            return
        case ast.Subscript(value=ast.Name(id=name)) if name.isupper():
            return
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get" | "lower"), args=rest) if name.isupper():
            for part in rest[1:]:
                yield from strange(part, file)
        case ast.Call(func=ast.Attribute(value=inner, attr="lower"), args=[]):
            yield from strange(inner, file)
        case _:
            words = f"{file}: {ast.unparse(node)}"
            if words not in OWN_WORDS:
                yield words


def found(source: str, file: str) -> list[str]:
    """What breaks the rule in a file, in words."""
    bad = []
    for call in calls(source):
        name = called(call)
        is_method = isinstance(call.func, ast.Attribute)
        if is_method and (name in READ_AS_MARKDOWN or ast.unparse(call.func) == "plots.draw"):
            bad += [words for text in texts(call) for words in strange(text, file)]
        if is_method and name == "html" and file not in HTML_MADE_IN and ast.unparse(call.func) == "st.html":
            bad.append(f"{file}: st.html")
        if any(keyword.arg == "unsafe_allow_html" for keyword in call.keywords):
            bad.append(f"{file}: unsafe_allow_html")
    return bad


def test_no_text_from_outside_is_read_as_markdown_or_html() -> None:
    assert [words for path in SCREEN for words in found(path.read_text(encoding="utf-8"), path.name)] == []


def test_every_exception_is_still_needed() -> None:
    used = {
        f"{path.name}: {ast.unparse(node)}"
        for path in SCREEN
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.expr)
    }
    assert sorted(OWN_WORDS.keys() - used) == []


@pytest.mark.parametrize(
    "source",
    [
        "st.title(name)",
        "st.markdown(f'**{row.agent}**')",
        "left.metric('Agent', row['name'])",
        "st.button('Go', help=lead.sender)",
        "st.warning('a' + words)",
        "st.toast(NAMES.get(key, name))",
        "st.header(title if title else 'None')",
        "st.tabs([name, 'All'])",
        "plots.draw(name, figure)",
        "st.html(words)",
        "st.markdown('x', unsafe_allow_html=True)",
    ],
)
def test_the_rule_finds_each_way_to_break_it(source: str) -> None:
    assert found(source, "x.py")


@pytest.mark.parametrize(
    "source",
    [
        "st.title('Agents')",
        "st.title(literal(name))",
        "st.metric(metric.label, formats.number(n))",
        "st.header(f'All {WORDS[by].lower()}')",
        "plain(name)",
        "st.html",
    ],
)
def test_the_rule_lets_our_own_words_pass(source: str) -> None:
    assert found(source, "x.py") == []


def test_literal_leaves_no_sign_that_markdown_reads() -> None:
    assert literal("![a](b) *c* :red[d] $e$ <f> `g` ~h~ [i]: j # k\\") == (
        r"\!\[a\]\(b\) \*c\* \:red\[d\] \$e\$ \<f\> \`g\` \~h\~ \[i\]\: j \# k\\"
    )
