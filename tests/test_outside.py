"""leadlib as a notebook sees it: the same numbers, beside the running app, without Streamlit and without persons."""

import io
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

import leadlib
from leadlib.config import SANDBOX_PORTAL
from leadlib.errors import (
    FilterError,
    SqlCellError,
    StoreBusyError,
    StoreReadOnlyError,
    StoreUnreadableError,
    WrongPortalError,
)
from leadlib.export import COLUMNS
from leadlib.filters import Filters
from leadlib.metrics import METRICS, QUESTIONS, breakdown, summary
from leadlib.outside import CHARTS, CHARTS_BY_WEEK, LeadStore
from leadlib.sandbox import SandboxServer, SandboxSettings
from leadlib.store import Store
from tests.conftest import DUBAI, at, make_lead
from tests.sync_bench import PLENTY, Bench

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "docs" / "notebooks.md"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEEN = at("2026-09-20 10:00")


@pytest.fixture(scope="module")
def brokerage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store that has read a small sandbox brokerage once; nobody holds it."""
    folder = tmp_path_factory.mktemp("brokerage") / "store"
    settings = SandboxSettings(n_leads=400, frozen_at=NOW, calls_per_minute=PLENTY, token_calls_per_minute=PLENTY)
    with SandboxServer(settings) as portal, Store.open(folder, timezone=DUBAI, portal=SANDBOX_PORTAL) as store:
        bench = Bench(portal, store)
        with bench.own_client:
            bench.sync(full=True)
    return folder


@pytest.fixture(scope="module")
def outside(brokerage: Path) -> Iterator[LeadStore]:
    with leadlib.open(brokerage) as store:
        yield store


def test_numbers_are_those_of_the_screens(brokerage: Path, outside: LeadStore) -> None:
    with Store.open(brokerage, timezone=DUBAI, portal=SANDBOX_PORTAL) as store:
        calls = Filters.of({"type": ["call"]})
        expected = summary(store, calls).iloc[0]
        by_agent = breakdown(store, Filters(), "agent")
    assert outside.as_of == NOW
    for name in ("leads", "responded", "response_rate", "waiting"):
        found = outside.metric(name, filters={"type": "call"}).frame[name].iloc[0]
        assert found == expected[name]
    rates = outside.metric("response_rate", by="agent").frame
    pd.testing.assert_series_equal(rates["response_rate"], by_agent["response_rate"])
    assert rates["key"].tolist() == by_agent["key"].tolist()


def test_every_metric_and_question_answers_and_shows_itself(outside: LeadStore) -> None:
    for name in [*(metric.key for metric in METRICS), *QUESTIONS]:
        answer = outside.metric(name)
        assert answer.definition in answer._repr_html_().replace("&#x27;", "'").replace("&quot;", '"'), name
        assert answer.scope in repr(answer), name
    listed = outside.metrics()
    assert listed["name"].tolist() == [*(metric.key for metric in METRICS), *QUESTIONS]
    assert (listed["definition"].str.len() > 10).all()


def test_every_chart_is_drawn_and_says_what_it_shows(outside: LeadStore) -> None:
    for question, by in [*((name, None) for name in CHARTS), *((name, "week") for name in CHARTS_BY_WEEK)]:
        answer = outside.metric(question, by=by)
        figure = answer.figure(theme="dark")
        assert figure.data or figure.layout.annotations, question
        assert answer.takeaway().endswith("."), question
    assert outside.metric("response_rate", by="channel").figure().data
    assert outside.metric("funnel", by="channel").figure().data
    with pytest.raises(FilterError, match="no chart of “waiting”"):
        outside.metric("waiting").figure()


def test_leads_are_those_of_the_filters_and_have_no_personal_column(outside: LeadStore) -> None:
    leads = outside.leads({"type": ["call", "email"]})
    assert set(leads["channel"]) == {"call", "email"}
    assert len(leads) == outside.metric("leads", filters={"type": ["call", "email"]}).frame["leads"].iloc[0]
    assert list(leads) == [column.name for column in COLUMNS if not column.is_personal]
    assert list(outside.leads({"from": "2099-01-01"})) == list(leads)
    assert outside.leads({"from": "2099-01-01"}).empty


def test_what_is_not_known_names_the_nearest_that_is(outside: LeadStore) -> None:
    with pytest.raises(FilterError, match="response_rate"):
        outside.metric("respons_rate")
    with pytest.raises(FilterError, match="Did you mean “type”"):
        outside.metric("leads", filters={"typ": "call"})
    with pytest.raises(FilterError, match=r"no option “grian”. Known: grain"):
        outside.metric("volume", grian="week")


def test_text_of_the_portal_is_escaped(store: Store) -> None:
    text = "<script>alert(1)</script>"
    store.write_leads([make_lead("a", tags=[text], channel=text)], observed_at=SEEN)
    store.publish()
    with leadlib.open(store.folder) as outside:
        shown = outside.metric("leads", by="channel", filters={"tag": text})._repr_html_()
    assert text not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


# Beside the app


@pytest.mark.embedded(reason="no program has a lake to itself")
def test_a_held_store_is_read_as_it_was_published_and_stays_so(store: Store) -> None:
    store.write_leads([make_lead("a")], observed_at=SEEN)
    with pytest.raises(StoreBusyError):
        leadlib.open(store.folder)
    store.publish()
    store.write_leads([make_lead("b")], observed_at=SEEN)
    with leadlib.open(store.folder) as outside:
        assert outside.leads()["lead_id"].tolist() == ["a"]
        for i in range(4):  # so many that the generation that was read is deleted
            store.write_leads([make_lead(f"c{i}")], observed_at=SEEN)
            store.publish()
        assert outside.metric("leads").frame["leads"].iloc[0] == 1
        assert (outside.portal, outside.timezone) == ("test", DUBAI)


def test_a_store_that_nobody_holds_is_read_to_its_last_commit_and_not_held(store: Store) -> None:
    store.write_leads([make_lead("a")], observed_at=SEEN)
    store.publish()
    store.write_leads([make_lead("b", "2026-09-15T06:00:00Z")], observed_at=SEEN)
    store.close()
    with leadlib.open(store.folder) as outside:
        assert outside.leads()["lead_id"].tolist() == ["a", "b"]
        with Store.open(store.folder, timezone=DUBAI, portal="test") as again:
            assert not again.is_read_only


def test_nothing_can_be_written_and_nobody_is_in_it(store: Store) -> None:
    store.write_leads([make_lead("a")], observed_at=SEEN)
    store.publish()
    with Store.open_beside(store.folder, timezone=DUBAI) as beside:
        assert beside.contacts(["a"]).num_rows == 0
        assert beside.alarms() == ()
        with pytest.raises(StoreReadOnlyError):
            beside.remember("x", "y")
    with pytest.raises(WrongPortalError):
        Store.open_beside(store.folder, timezone=DUBAI, portal="another")


def test_sql_is_refused_where_the_owner_has_switched_it_off(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.publish()
    monkeypatch.setenv("LEADLIB_SQL_CELLS", "off")
    with leadlib.open(store.folder) as outside, pytest.raises(SqlCellError, match="LEADLIB_SQL_CELLS"):
        outside.sql("select 1")


def test_a_folder_without_a_store_is_left_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreadableError, match="There is no store"):
        leadlib.open(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


# The example


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", NOTEBOOKS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def outputs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What each block of the example prints, run one after the other."""
    monkeypatch.setenv("LEADLIB_DATABASE", str(folder))
    names: dict[str, object] = {}
    printed = []
    for code in blocks("python"):
        with redirect_stdout(io.StringIO()) as out:
            exec(compile(code, NOTEBOOKS.name, "exec"), names)  # noqa: S102  # our own document
        printed.append(out.getvalue())
    return printed


def test_the_example_prints_what_the_page_says(brokerage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = [text.replace("\u00a0", " ") for text in outputs(brokerage, monkeypatch)]
    assert len(printed) > 3
    assert printed == blocks("text")


# The package


def test_numbers_need_neither_streamlit_nor_a_web_server(brokerage: Path) -> None:
    script = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {{"streamlit", "starlette", "uvicorn", "jwt"}}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import leadlib
assert not {{"pandas", "duckdb", "plotly"}} & set(sys.modules), "importing leadlib is to be light"
with leadlib.open({str(brokerage)!r}) as store:
    answer = store.metric("response_rate", by="channel")
    answer.figure()
    print(len(answer), len(store.leads()) > 300)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1] == "True"


def test_the_package_asks_for_what_the_app_is_tested_with() -> None:
    """From the pinned version on: what was never tried is not promised."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("#")[0].strip().split("==") for line in lines if "==" in line)
    asked = [*project["dependencies"], *project["optional-dependencies"]["app"]]
    assert {name.lower(): version for name, version in (text.split(">=") for text in asked)} == {
        name.lower(): version for name, version in pinned.items()
    }


def test_the_version_is_the_newest_release() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    headings = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert project["version"] == (headings[0] if headings else "0.0.dev0")


def test_every_file_that_is_no_code_belongs_to_the_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folder = ROOT / "leadlib"
    packed = {path for pattern in settings["package-data"]["leadlib"] for path in folder.glob(pattern)}
    others = {p for p in folder.rglob("*") if p.is_file() and p.suffix != ".py" and "__pycache__" not in p.parts}
    assert packed == others
