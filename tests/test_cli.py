"""The command line as its users meet it: real processes against a real sandbox on a port, in both dialects.

Every output of every process here is searched for secrets and for people.
"""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
import openpyxl
import pandas as pd
import pytest

from leadlib.cli import COMMANDS
from leadlib.export import FORMATS
from leadlib.filters import FIELDS
from leadlib.metrics import METRICS, QUESTIONS
from leadlib.sandbox import API_KEY, API_SECRET, FAULTS, SandboxServer, SandboxSettings, Truth
from leadlib.sandbox.settings import Dialect
from leadlib.sandbox.wire import lead_sender
from leadlib.store import Store

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DUBAI = ZoneInfo("Asia/Dubai")
PLENTY = 1_000_000
SMALL = SandboxSettings(n_leads=400, frozen_at=NOW, calls_per_minute=PLENTY, token_calls_per_minute=PLENTY)
DIALECTS: tuple[Dialect, ...] = ("filter", "flat")
on_unix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither these terminals nor these signals")
LADDER = ("sent", "delivered", "opened", "responded")

_NEVER_SHOWN = re.compile(
    rf"{re.escape(API_SECRET)}|eyJ[\w-]{{20}}|\+97150000\d|\+9715555\d|sender\.[0-9a-f]+@|Traceback"
)


@dataclass
class Done:
    """How a process ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Installation:
    """Settings and a store of its own, and the portal that it reads, if there is one."""

    folder: Path
    server: SandboxServer | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._people = _people(self.server.truth, self.server.settings.seed) if self.server else frozenset()

    @property
    def environment(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("LEADLIB_")}
        portal = {}
        if self.server is not None:
            portal = {
                "LEADLIB_API_URL": self.server.url,
                "LEADLIB_API_KEY": API_KEY,
                "LEADLIB_API_SECRET": API_SECRET,
                "LEADLIB_CALLS_PER_MINUTE": "650",
            }
        return {**plain, "LEADLIB_DATABASE": str(self.folder / "store"), **portal, **self.settings}

    def start(self, *arguments: str, flags: Sequence[str] = (), **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *flags, "-m", "leadlib", *arguments],
            cwd=ROOT, env=self.environment, text=True, encoding="utf-8",
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )  # fmt: skip

    def run(self, *arguments: str, flags: Sequence[str] = ()) -> Done:
        process = self.start(*arguments, flags=flags)
        return self.ended(process)

    def ended(self, process: subprocess.Popen[str]) -> Done:
        out, err = process.communicate(timeout=60)
        shown = out + err
        assert not (leak := _NEVER_SHOWN.search(shown)), leak
        assert not [name for name in self._people if name in shown]
        return Done(process.returncode, out, err)

    def store(self) -> Store:
        assert self.server is not None
        return Store.open(self.folder / "store", timezone=DUBAI, portal=self.server.url)

    def lead_ids(self) -> set[str]:
        with self.store() as store:
            return set(store.query("select lead_id from leads")["lead_id"])


def _people(truth: Truth, seed: int) -> frozenset[str]:
    """The senders' names, but for those that an agent happens to have too."""
    names = {str(lead_sender(lead, seed).name) for lead in truth.leads} - {"None"}
    return frozenset(names - {agent.name for agent in truth.agents})


Install = Callable[..., Installation]


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """A function that makes installations; with `portal` settings they read a sandbox on a port of its own."""
    with ExitStack() as running:

        def make(portal: dict[str, Any] | None = None, **settings: str) -> Installation:
            server = None
            if portal is not None:
                changed = {name: portal.get(name, getattr(SMALL, name)) for name in SandboxSettings.__slots__}
                server = running.enter_context(SandboxServer(SandboxSettings(**changed)))
            return Installation(tmp_path_factory.mktemp("installation"), server, settings)

        yield make


@pytest.fixture(scope="module")
def synced_by_dialect(install: Install) -> dict[str, Installation]:
    """For each dialect, an installation that has read its portal once."""
    installations = {dialect: install({"dialect": dialect}) for dialect in DIALECTS}
    processes = {dialect: installations[dialect].start("sync", "--json") for dialect in DIALECTS}
    for dialect, process in processes.items():
        done = installations[dialect].ended(process)
        assert done.code == 0, done.err
        assert (done.json["dialect"], done.json["outcome"]) == (dialect, "complete")
        assert done.json["read"] == done.json["new"] > 300
    return installations


@pytest.fixture(params=DIALECTS)
def synced(request: pytest.FixtureRequest, synced_by_dialect: dict[str, Installation]) -> Installation:
    """An installation that has read its portal, in each dialect in turn."""
    return synced_by_dialect[request.param]


@pytest.fixture
def sample(synced_by_dialect: dict[str, Installation]) -> Installation:
    """An installation that has read its portal, where the dialect does not matter."""
    return synced_by_dialect["filter"]


@pytest.fixture(scope="module")
def troubled(install: Install) -> dict[str, Callable[[], Done]]:
    """Commands against portals in trouble, under way at the same time: retries and waits take their seconds."""
    with SandboxServer(SMALL) as gone:
        url = gone.url
    down = install(LEADLIB_API_URL=url, LEADLIB_API_KEY=API_KEY, LEADLIB_API_SECRET=API_SECRET)
    # With fewer leads than these, none of the odd ones lacks its id or its date.
    odd = install({"n_leads": 1_000, "faults": frozenset({"odd-rows"})})
    wrong_total, no_scope = (install({"faults": frozenset({name})}) for name in ("wrong-total", "no-leads-scope"))

    def started(installation: Installation, *arguments: str) -> Callable[[], Done]:
        process = installation.start(*arguments)
        return lambda: installation.ended(process)

    return {
        "down": started(down, "sync", "--json"),
        "odd-rows": started(odd, "sync", "--json"),
        "wrong-total": started(wrong_total, "sync"),
        "no-scope check": started(no_scope, "check"),
        "no-scope sync": started(no_scope, "sync"),
    }


@pytest.fixture(scope="module")
def plain(install: Install) -> Installation:
    """An installation whose portal is read by nobody yet."""
    return install({})


# Sync


def test_sync_stores_exactly_the_leads_that_the_portal_shows(synced: Installation) -> None:
    assert synced.server is not None
    assert synced.lead_ids() == synced.server.truth.lead_ids(NOW)


def test_second_sync_of_a_portal_that_stands_still_changes_nothing(synced: Installation) -> None:
    done = synced.run("sync", "--full", "--json")
    assert done.code == 0
    counts = {name: done.json[name] for name in ("new", "changed", "rejected", "uncertain_slices")}
    assert counts == {"new": 0, "changed": 0, "rejected": 0, "uncertain_slices": 0}
    assert done.json["read"] == done.json["unchanged"] == len(synced.lead_ids())


def test_sync_tells_in_a_sentence_what_it_did(sample: Installation) -> None:
    done = sample.run("sync", "--full")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Nothing has changed: ")
    assert done.out.count("\n") == 1


def test_sync_of_one_view_stores_its_leads_and_no_others(install: Install) -> None:
    installation = install({})
    assert installation.server is not None
    done = installation.run("sync", "--since", "2026-11-01", "--filter", "type=call", "--filter", "type=chat", "--json")
    assert (done.code, done.json["kind"]) == (0, "view")
    assert installation.lead_ids() == {
        lead.id
        for lead in installation.server.truth.visible(NOW)
        if lead.channel in {"call", "chat"} and lead.created_at >= datetime(2026, 11, 1, tzinfo=DUBAI)
    }


def test_sync_meets_rows_that_are_no_leads(troubled: dict[str, Callable[[], Done]]) -> None:
    done = troubled["odd-rows"]()
    assert (done.code, done.json["outcome"]) == (1, "uncertain")
    assert done.json["rejected"] > 0
    assert done.json["read"] > 900


def test_sync_that_cannot_be_certain_says_so(troubled: dict[str, Callable[[], Done]]) -> None:
    done = troubled["wrong-total"]()
    assert done.code == 1
    assert "not certain to be complete" in done.out
    assert "The next sync reads the stretch again." in done.err


@on_unix
def test_progress_is_drawn_on_a_terminal_only_and_leaves_nothing_behind(install: Install) -> None:
    installation = install({})
    terminal, its_end = os.openpty()
    process = installation.start("sync", "--json", stderr=its_end)
    os.close(its_end)
    assert process.stdout is not None
    out = process.stdout.read()
    drawn = b""
    try:
        while piece := os.read(terminal, 65_536):
            drawn += piece
    except OSError:
        pass  # Linux tells the end of a terminal like this
    os.close(terminal)
    process.stdout.close()
    assert process.wait(30) == 0
    assert json.loads(out)["outcome"] == "complete"
    text = drawn.decode()
    assert re.search(r"reading leads \[#+\.*\] \d+ of \d+", text)
    assert text.endswith("\r")
    assert not text.rstrip("\r").rpartition("\r")[2].strip()


@on_unix
def test_interrupted_sync_keeps_what_it_has_and_goes_on_later(install: Install) -> None:
    installation = install({"latency_s": 0.15})
    assert installation.server is not None
    process = installation.start("sync", preexec_fn=_obeys_ctrl_c)
    deadline_s = time.monotonic() + 20
    while installation.server.calls["/v1/leads"] < 12 and time.monotonic() < deadline_s:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    done = installation.ended(process)
    assert (done.code, done.out, done.err) == (130, "", "Stopped.\n")
    with installation.store() as store:
        assert list(store.query("select outcome from syncs")["outcome"]) == ["failed"]


def _obeys_ctrl_c() -> None:
    # A test run in the background of a shell would otherwise pass on that it ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_without_credentials_the_built_in_sandbox_is_read(install: Install) -> None:
    done = install().run("sync", "--since", f"{datetime.now(DUBAI):%Y-%m-%d}", "--json")
    assert done.code == 0
    assert "No credentials are set: reading the built-in sandbox" in done.err
    assert done.json["outcome"] == "complete"


# Check


@pytest.mark.parametrize(
    ("dialect", "answer"), [pytest.param("filter", "no", id="filter"), pytest.param("flat", "yes", id="flat")]
)
def test_check_tells_what_the_portal_can_do(install: Install, dialect: str, answer: str) -> None:
    installation = install({"dialect": dialect})
    assert installation.server is not None
    done = installation.run("check")
    facts = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in done.out.splitlines())
    age = datetime.now(UTC) - NOW
    assert done.code == 0
    assert facts.pop("Portal's clock").endswith("behind ours" if age.total_seconds() > 2 else "ours")
    assert int(facts.pop("Leads since then")) == pytest.approx(len(installation.server.truth.visible(NOW)), abs=3)
    assert facts == {
        "Portal": installation.server.url,
        "Token": "accepted, and may read leads (leads:read)",
        "Dialect": dialect,
        "Oldest accepted day": "23 Aug 2026 (Asia/Dubai)".replace(" ", "\u00a0", 2),
        "createdAtTo bounds": answer,
        "orderBy sorts": answer,
    }
    assert not (installation.folder / "store").exists()


def test_check_without_credentials_looks_at_the_built_in_sandbox(install: Install) -> None:
    done = install().run("check")
    assert done.code == 0
    assert "built-in sandbox (no credentials are set)" in done.out
    assert "agrees with ours" in done.out


# What goes wrong


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        pytest.param({"LEADLIB_API_KEY": "WRONG.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, 3, "credentials", id="key"),
        pytest.param({"LEADLIB_API_DIALECT": "klingon"}, 2, "must be one of auto, filter, flat", id="dialect"),
        pytest.param({"LEADLIB_API_KEZ": "x"}, 2, "Did you mean LEADLIB_API_KEY?", id="setting"),
        pytest.param({"LEADLIB_API_SECRET": ""}, 2, "LEADLIB_API_SECRET is empty", id="empty"),
    ],
)
def test_settings_that_do_not_work_end_with_their_code(
    plain: Installation, settings: dict[str, str], code: int, words: str
) -> None:
    done = Installation(plain.folder, plain.server, settings).run("sync")
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("command", ["check", "sync"])
def test_key_without_the_scope_is_refused(troubled: dict[str, Callable[[], Done]], command: str) -> None:
    done = troubled[f"no-scope {command}"]()
    assert (done.code, done.out) == (3, "")
    assert "leads:read" in done.err


def test_portal_that_is_down_cannot_be_reached(troubled: dict[str, Callable[[], Done]]) -> None:
    done = troubled["down"]()
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith("The portal cannot be reached. ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["sync", "--filter", "tpye=call"], "Did you mean “type”?", id="filter"),
        pytest.param(["sync", "--filter", "type"], "is not NAME=VALUE", id="no-value"),
        pytest.param(["sync", "--since", "tomorrow"], "is not a day. Write it as 2026-05-31", id="since"),
        pytest.param(["sync", "--full", "--since", "2026-11-01"], "leave out", id="full-since"),
        pytest.param(["metrics", "leads", "--filter", "from=31.05.2026"], "is not a day", id="day"),
        pytest.param(["metrics", "leads", "--filter", "from=2026-05-01", "--filter", "from=2026-05-02"], "one day",
                     id="two-days"),
        pytest.param(["metrics", "leads", "--filter", "agent=Maya"], "it is a whole number", id="agent"),
        pytest.param(["metrics", "laeds"], "Did you mean “leads”?", id="metric"),
        pytest.param(["metrics", "leads", "--by", "chanel"], "Did you mean “channel”?", id="group"),
        pytest.param(["metrics", "leads", "--grain", "year"], "invalid choice", id="grain"),
        pytest.param(["export", "--format", "cvs", "--output", "x.csv"], "Did you mean “csv”?", id="format"),
        pytest.param(["export", "--format", "csv", "--output", "no/such/folder/x.csv"], "no folder", id="folder"),
        pytest.param(["export", "--format", "csv", "--output", "tests"], "is a folder", id="output"),
        pytest.param(["sandbox", "--dialect", "klingon"], "invalid choice", id="dialect"),
        pytest.param(["sandbox", "--fault", "earthquake"], "known are rate-limit", id="fault"),
        pytest.param(["sandbox", "--port", "65536"], "not a whole number from 0 to 65535", id="port"),
        pytest.param(["frobnicate"], "invalid choice", id="command"),
        pytest.param([], "required", id="nothing"),
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense_end_with_2(plain: Installation, arguments: list[str], words: str) -> None:
    done = plain.run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert plain.server is not None
    assert not plain.server.calls["/v1/leads"]


def test_database_that_is_none_cannot_be_opened(install: Install) -> None:
    installation = install({})
    (installation.folder / "store").mkdir()
    (installation.folder / "store" / "leads.duckdb").write_bytes(b"not a database" * 1_000)
    done = installation.run("metrics", "leads")
    assert (done.code, done.out) == (5, "")
    assert done.err.startswith("The store cannot be opened. ")


def test_store_that_the_app_holds_is_left_alone(install: Install) -> None:
    installation = install({})
    with installation.store():
        done = installation.run("sync")
    assert (done.code, done.out) == (5, "")
    assert done.err.startswith("The store is in use. ")
    assert str(os.getpid()) in done.err


# Export and metrics


def test_metrics_are_those_of_the_exported_leads_number_for_number(synced: Installation) -> None:
    path = synced.folder / "leads.parquet"
    exported = synced.run("export", "--format", "parquet", "--output", str(path))
    leads = pd.read_parquet(path)
    assert (exported.code, exported.out) == (0, "")
    assert f"{len(leads)}\u00a0leads in {path} (Parquet, without personal columns)." in exported.err
    assert "as of 23\u00a0Nov\u00a02026, 16:00 (Asia/Dubai)" in exported.err
    assert set(leads["lead_id"]) == synced.lead_ids()
    assert not {"sender_name", "sender_phone", "response_link"} & set(leads.columns)

    rung = leads["reached_stage"].map({stage: place for place, stage in enumerate(LADDER, 1)})
    (headline,) = synced.run("metrics", "summary", "--format", "json").json
    assert headline["leads"] == len(leads)
    assert headline["unique_senders"] == leads["sender_key"].nunique()
    assert headline["reached_sent"] == int((rung.ge(1) | leads["stage"].eq("archived")).sum())
    for place, stage in enumerate(LADDER[1:], 2):
        assert headline[f"reached_{stage}"] == int(rung.ge(place).sum())
    assert headline["archived"] == int(leads["stage"].eq("archived").sum())
    assert headline["observed_at"] == "2026-11-23T12:00:00+00:00"

    by_channel = {row["key"]: row["leads"] for row in synced.run("metrics", "leads", "--by", "channel", "--format",
                                                                 "json").json}  # fmt: skip
    assert by_channel == leads["channel"].value_counts().to_dict()
    entities = synced.run("metrics", "leads", "--by", "entity_type", "--format", "json").json
    kinds = leads["entity_type"].replace("agent", "publicProfile")
    assert {row["key"]: row["leads"] for row in entities} == kinds.value_counts().to_dict()

    rows = list(csv.DictReader(io.StringIO(synced.run("metrics", "breakdown", "--by", "agent", "--format", "csv").out)))
    agents = leads["agent_id"].astype("Int64").astype("string").fillna("none")
    assert {row["key"]: int(row["leads"]) for row in rows} == agents.value_counts().to_dict()
    responded = rung.eq(4).groupby(agents).sum().to_dict()
    assert {row["key"]: int(row["responded"]) for row in rows} == responded
    for row in rows:
        rate = float(row["response_rate_of_all"]) if row["response_rate_of_all"] else None
        expected = int(row["responded"]) / int(row["leads"]) if int(row["leads"]) >= 5 else None
        assert rate == expected


def test_filters_and_days_cut_metrics_and_exports_alike(sample: Installation) -> None:
    asked = ("--filter", "type=call", "--filter", "type=email", "--filter", "from=2026-11-01")
    path = sample.folder / "calls.json"
    sample.run("export", "--format", "json", "--output", str(path), *asked)
    leads = json.loads(path.read_text(encoding="utf-8"))["leads"]
    assert {lead["channel"] for lead in leads} == {"call", "email"}
    days = sample.run("metrics", "volume", "--format", "json", *asked).json
    assert sum(row["leads"] for row in days) == len(leads)
    assert days[0]["bucket"] == "2026-11-01T00:00:00"
    assert [row["is_partial"] for row in days[-2:]] == [False, True]


def test_tables_are_for_people(sample: Installation) -> None:
    done = sample.run("metrics", "response_rate_of_all", "--by", "agent", "--filter", "from=2026-09-01")
    heading, when, _, columns, *rows = done.out.splitlines()
    assert heading.startswith("Response rate of all leads: Responded divided by all leads")
    assert when == "From 2026-09-01, as of 23\u00a0Nov\u00a02026, 16:00 (Asia/Dubai)."
    assert columns.split() == ["key", "label", "response_rate_of_all", "responded", "leads"]
    assert len({len(row) for row in rows}) == 1
    assert any(re.search(r"\d\d\.\d\u00a0% \(\d\d\.\d–\d\d\.\d\u00a0%\)", row) for row in rows)
    hours = sample.run("metrics", "volume", "--grain", "hour", "--filter", "from=2026-11-23").out.splitlines()
    assert hours[4].startswith("2026-11-23 00:00  all  All leads")
    assert hours[-1].startswith("2026-11-23 15:00  all  All leads")


@pytest.mark.parametrize("fmt", ["csv", "xlsx"])
def test_no_matching_leads_make_a_valid_empty_file(sample: Installation, fmt: str) -> None:
    path = sample.folder / f"empty.{fmt}"
    done = sample.run("export", "--format", fmt, "--output", str(path), "--filter", "from=2099-01-01")
    assert done.code == 0
    assert done.err.startswith("No leads in ")
    if fmt == "xlsx":
        assert openpyxl.load_workbook(path)["Leads"].max_row == 1
    else:
        assert pd.read_csv(path).empty


def test_personal_columns_come_only_when_asked_for(sample: Installation) -> None:
    path = sample.folder / "personal.json"
    done = sample.run("export", "--format", "json", "--output", str(path), "--personal", "--filter", "type=call")
    assert "with personal columns" in done.err
    leads = json.loads(path.read_text(encoding="utf-8"))["leads"]
    assert all(lead["sender_phone"].startswith("+971") for lead in leads)
    assert leads


def test_store_without_leads_and_word_that_no_status_has_are_remarked_upon(install: Install) -> None:
    installation = install({})
    done = installation.run("metrics", "summary", "--format", "json", "--filter", "status=anserwed")
    assert done.code == 0
    assert "“anserwed” is not a status the API knows" in done.err
    assert done.json[0]["leads"] == 0
    assert done.json[0]["response_rate"] is None
    assert "run “python -m leadlib sync” first" in done.err


def test_metrics_without_a_name_lists_all_of_them_and_opens_no_store(plain: Installation) -> None:
    done = Installation(plain.folder / "names").run("metrics")
    assert done.code == 0
    assert not (plain.folder / "names").exists()
    for name in [*(metric.key for metric in METRICS), *QUESTIONS]:
        assert re.search(rf"^  {name}  +\S", done.out, re.MULTILINE)


@on_unix
def test_reader_that_goes_away_ends_the_command_quietly(sample: Installation) -> None:
    process = sample.start("metrics", "volume", "--grain", "hour")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 141
    assert err == ""


# Sandbox and help


@on_unix
def test_sandbox_tells_how_to_use_it_and_ends_by_ctrl_c(install: Install) -> None:
    process = install().start(
        "sandbox", "--port", "0", "--dialect", "flat", "--leads", "300", "--fault", "wrong-total", "--freeze",
        preexec_fn=_obeys_ctrl_c,
    )  # fmt: skip
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(8)]
    given = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines if line.startswith("export "))
    assert given.pop("LEADLIB_DATABASE").startswith("data/sandbox-")
    assert given == {
        "LEADLIB_API_URL": given["LEADLIB_API_URL"], "LEADLIB_API_KEY": API_KEY, "LEADLIB_API_SECRET": API_SECRET,
    }  # fmt: skip
    assert f"answers at {given['LEADLIB_API_URL']} (flat dialect, its clock held at " in lines[0]
    pair = {"apiKey": API_KEY, "apiSecret": API_SECRET}
    token = httpx.post(f"{given['LEADLIB_API_URL']}/v1/auth/token", json=pair).json()["accessToken"]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{given['LEADLIB_API_URL']}/v1/leads", headers=headers).json()["pagination"]["total"] > 200
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "The sandbox has stopped.\n")


def test_taken_port_is_named(plain: Installation) -> None:
    assert plain.server is not None
    port = urlsplit(plain.server.url).port
    done = plain.run("sandbox", "--port", str(port))
    assert (done.code, done.out) == (2, "")
    assert f"Port {port} is taken." in done.err


def test_help_names_every_command_filter_format_and_fault(plain: Installation) -> None:
    top = plain.run("--help").out
    assert all(f"\n    {command.name} " in top for command in COMMANDS)
    export = plain.run("export", "--help").out
    assert f"{{{','.join(row.key for row in FORMATS)}}}" in export
    assert all(field.key in export for field in FIELDS)
    sandbox = plain.run("sandbox", "--help").out
    assert all(sentence in sandbox for sentence in FAULTS.values())


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        pytest.param(["--help"], ["streamlit", "pandas", "pyarrow", "duckdb", "uvicorn", "httpx"], id="help"),
        pytest.param(["sandbox", "--help"], ["streamlit", "pandas", "duckdb", "httpx"], id="sandbox-help"),
        pytest.param(["metrics", "leads"], ["streamlit", "uvicorn", "httpx"], id="metrics"),
        pytest.param(["check"], ["streamlit"], id="check"),
    ],
)
def test_commands_load_only_what_they_need(plain: Installation, arguments: list[str], unwanted: list[str]) -> None:
    done = Installation(plain.folder / "loading", plain.server).run(*arguments, flags=("-X", "importtime"))
    assert done.code == 0
    loaded = set(re.findall(r"^import time:.*\| +(\w+)", done.err, re.MULTILINE))
    assert "argparse" in loaded
    assert not loaded & set(unwanted)
