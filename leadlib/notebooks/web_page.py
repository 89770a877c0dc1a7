"""A notebook as one HTML file that needs nothing else: to be read, mailed, printed. It asks nothing of any server."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from html import escape
from itertools import groupby
from typing import Any, Literal

import pandas as pd
from markdown_it import MarkdownIt
from plotly.offline import get_plotlyjs

from leadlib import charts, formats
from leadlib.charts.day_notes import with_day_notes
from leadlib.notebooks.answers import title_of
from leadlib.notebooks.exporting import definitions_of
from leadlib.notebooks.finding import Found
from leadlib.notebooks.model import Cell, MetricCell, Notebook, SqlCell, TextCell
from leadlib.notebooks.proving import NOTEBOOK_KEY, proof_of, sealed, sum_words
from leadlib.notebooks.shown import Shown, shown_metric, shown_sql
from leadlib.notebooks.sql_answers import sql_title_of
from leadlib.notebooks.words import without_images
from leadlib.proof import Facts
from leadlib.sql_cells import SqlAnswer
from leadlib.theme import FONT, PALETTES

_ROWS_SHOWN = 1_000
_LIGHT = PALETTES["light"]
# The browser itself refuses every request, should some text ever get further than it may.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
_STYLE = f"""
:root {{ color-scheme: light; }}
body {{ max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem; font: 15px/1.5 {FONT};
  color: {_LIGHT.text}; background: {_LIGHT.page}; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.7rem; margin: 0 0 .5rem; }} h2 {{ font-size: 1.2rem; }}
dl.facts {{ margin: 0 0 1.5rem; font-size: .87rem; color: {_LIGHT.quiet}; }}
dl.facts div {{ display: flex; gap: .75rem; }} dl.facts dt {{ flex: 0 0 6rem; }} dl.facts dd {{ margin: 0; }}
section, .card {{ border: 1px solid {_LIGHT.grid}; border-radius: .5rem; padding: .75rem 1rem; margin: 0 0 1rem; }}
section h2, .card h2 {{ margin: 0 0 .25rem; font-size: 1rem; }}
.cards {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: 0 1rem; }}
.card h2 {{ font-size: .85rem; font-weight: normal; color: {_LIGHT.quiet}; }} .card b {{ font-size: 1.6rem; }}
.quiet {{ margin: .15rem 0; font-size: .85rem; color: {_LIGHT.quiet}; }}
.wide {{ overflow-x: auto; }} .chart {{ min-height: 60px; }}
table {{ border-collapse: collapse; font-size: .85rem; }} td, th {{ padding: .2rem .6rem; text-align: left;
  border-bottom: 1px solid {_LIGHT.grid}; }} td.n {{ text-align: right; font-variant-numeric: tabular-nums; }}
pre {{ white-space: pre-wrap; font-size: .8rem; }}
@page {{ size: A4; margin: 15mm; }}
.paper {{ width: 180mm; max-width: none; margin: 0; padding: 0; }}
@media print {{
  body {{ max-width: none; padding: 0; }}
  section, .card, tr, img {{ break-inside: avoid; }} section.long {{ break-inside: auto; }}
  h1, h2, h3 {{ break-after: avoid; }} thead {{ display: table-header-group; }} .wide {{ overflow: visible; }}
  details:not([open]) {{ display: none; }}
}}
"""
_DRAW = """
for (const place of document.querySelectorAll(".chart")) {
  const figure = JSON.parse(place.nextElementSibling.textContent)
  Plotly.newPlot(place, figure.data, figure.layout, {displayModeBar: false, responsive: true, scrollZoom: false})
}
const draw = isPaper => {
  // A chart takes the width that it finds when it is drawn, and the browser gives the paper's only later.
  document.body.classList.toggle("paper", isPaper)
  for (const place of document.querySelectorAll(".chart")) {
    Plotly.relayout(place, isPaper ? {width: place.clientWidth} : {width: null, autosize: true})
  }
}
addEventListener("beforeprint", () => draw(true))
addEventListener("afterprint", () => draw(false))
"""


def to_html(
    notebook: Notebook,
    facts: Facts,
    found: Sequence[Found],
    names: Mapping[str, Mapping[str, str]] | None = None,
    day_notes: Mapping[date, Sequence[str]] | None = None,
) -> str:
    """The notebook with its results, on a light page. `found` is what `found_by` gives.

    `names` are words for ids in filters, `day_notes` what is noted on days. Whoever opens the file reaches no server:
    Plotly's script is in it, images are not, and links of the text stand as words.
    """
    body = []
    for is_number, group in groupby(zip(notebook.cells, found, strict=True), key=_is_number):
        parts = [_cell(cell, one, facts, names or {}, day_notes or {}) for cell, one in group]
        body.append(f'<div class="cards">{"".join(parts)}</div>' if is_number else "".join(parts))
    has_charts = any('class="chart"' in part for part in body)
    scripts = f"<script>{get_plotlyjs()}</script><script>{_DRAW}</script>" if has_charts else ""
    title = escape(notebook.title or "Notebook")
    rows = {**facts.rows(), "Rows": sum_words(found)}
    shown = f'<body><h1 dir="auto">{title}</h1>{_facts(rows)}\n{"".join(body)}{_definitions(notebook.cells)}'
    proof = proof_of(notebook, facts, found)
    # Streamlit tells large downloads apart by their first, middle and last bytes; the proof makes the first ones differ
    before = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<script type="application/json" id="{NOTEBOOK_KEY}">'
    )
    after = (
        f'</script><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n"
        f"{shown}{scripts}</body></html>\n"
    )
    return f"{before}{_json(json.dumps(sealed(proof, before + after), ensure_ascii=False))}{after}"


def _is_number(pair: tuple[Cell, Found]) -> bool:
    cell, found = pair
    return not isinstance(cell, TextCell) and not isinstance(found, str) and cell.show == "number"


def _cell(
    cell: Cell,
    found: Found,
    facts: Facts,
    names: Mapping[str, Mapping[str, str]],
    day_notes: Mapping[date, Sequence[str]],
) -> str:
    if isinstance(cell, TextCell):
        return f'<div class="words" dir="auto">{_rendered(cell.markdown)}</div>\n'
    if isinstance(found, str) or found is None:
        title = title_of(cell) if isinstance(cell, MetricCell) else sql_title_of(cell)
        return f"<section><h2>{escape(title)}</h2>{_quiet([found or 'No answer.'])}</section>\n"
    if isinstance(cell, SqlCell):
        return _result(shown_sql(cell, found), cell.sql, facts, day_notes) if isinstance(found, SqlAnswer) else ""
    assert isinstance(found, pd.DataFrame)  # noqa: S101  # what found_by gives for a metric
    return _result(shown_metric(cell, found, facts.as_of, facts.timezone, names), "", facts, day_notes)


def _result(shown: Shown, sql: str, facts: Facts, day_notes: Mapping[date, Sequence[str]]) -> str:
    notes = [*filter(None, (shown.own,)), *shown.notes]
    if shown.show == "number":
        name, words = shown.number
        notes += filter(None, (shown.parts, shown.interval))
        return f'<div class="card"><h2>{escape(name)}</h2><b>{escape(words)}</b>{_quiet(notes)}</div>'
    head = f"<h2>{escape(shown.title)}</h2>{_quiet(notes)}"
    asked = f"<details><summary>SQL</summary><pre>{escape(sql)}</pre></details>" if sql else ""
    table = _table(shown.frame, shown.forms, facts)
    if shown.marks is None or shown.show == "table":
        return f'<section class="long">{head}{table}{asked}</section>\n'
    kind: Literal["bar", "line"] = "bar" if shown.show == "bar" else "line"
    takeaway = charts.table_takeaway(shown.marks, kind, shown.what)
    figure = charts.plot_table(shown.marks, kind, what=shown.what, theme="light")
    noted = with_day_notes(figure, day_notes, theme="light")
    return (
        f'<section>{head}{_quiet([takeaway])}<div class="chart" role="img" aria-label="{escape(takeaway)}"></div>'
        f'<script type="application/json">{_json(figure.to_json())}</script>{_quiet(noted)}'
        f"<details><summary>Numbers</summary>{table}</details>{asked}</section>\n"
    )


def _json(text: str) -> str:
    """JSON that ends no script element, whatever its texts are."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _table(frame: pd.DataFrame, forms: Mapping[str, str], facts: Facts) -> str:
    if frame.empty:
        return _quiet(["No rows."])
    head = "".join(f"<th>{escape(str(name))}</th>" for name in frame.columns)
    rows = []
    for row in frame.head(_ROWS_SHOWN).itertuples(index=False, name=None):
        cells = (_table_cell(value, forms.get(str(name), "")) for name, value in zip(frame.columns, row, strict=True))
        rows.append(f"<tr>{''.join(cells)}</tr>")
    left = len(frame) - _ROWS_SHOWN
    more = _quiet([f"{formats.count_of(left, 'more row')} on the page."]) if left > 0 else ""
    body = "".join(rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}'


def _table_cell(value: Any, form: str) -> str:
    kind = ' class="n"' if _is_figure(value) else ' dir="auto"'
    return f"<td{kind}>{escape(_words(value, form))}</td>"


def _is_figure(value: Any) -> bool:
    return bool(pd.api.types.is_number(value)) and not pd.api.types.is_bool(value)


def _words(value: Any, form: str) -> str:
    if not isinstance(value, list | tuple | dict) and formats.is_missing(value):
        return formats.MISSING_TEXT
    if _is_figure(value):
        if form and form != "%,d":
            return str(form % value)
        return formats.number(value) if form or float(value).is_integer() else f"{float(value):,.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC" if value.tzinfo else f"{value:%Y-%m-%d %H:%M:%S}"
    return formats.day(value) if isinstance(value, date) else str(value)


def _quiet(sentences: Iterable[str]) -> str:
    return "".join(f'<p class="quiet" dir="auto">{escape(words)}</p>' for words in sentences)


def _facts(told: Mapping[str, str]) -> str:
    rows = []
    for name, value in told.items():
        words = escape(value)
        if name == "Link" and value.startswith(("http://", "https://")):
            words = f'<a href="{words}" rel="noreferrer">{words}</a>'
        rows.append(f'<div><dt>{name}</dt><dd dir="auto">{words}</dd></div>')
    return f'<dl class="facts">{"".join(rows)}</dl>'


def _definitions(cells: Iterable[Cell]) -> str:
    rows = [
        f"<dt><strong>{escape(label)}</strong></dt><dd>{escape(words)}</dd>"
        for label, words in definitions_of(cells).items()
    ]
    return f'<section class="long"><h2>What the numbers mean</h2><dl>{"".join(rows)}</dl></section>' if rows else ""


def _rendered(text: str) -> str:
    """Markdown as HTML: no HTML of its own, no image, and of a link its words with the address behind them."""
    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    tokens = reader.parse(without_images(text))
    for token in tokens:
        ends: list[str] = []
        for inline in token.children or []:
            if inline.type == "link_open":
                ends.append(str(inline.attrGet("href")))
                inline.type, inline.content = "text", ""
            elif inline.type == "link_close":
                inline.type, inline.content = "text", f" ({ends.pop()})"
    return str(reader.renderer.render(tokens, reader.options, {}))
