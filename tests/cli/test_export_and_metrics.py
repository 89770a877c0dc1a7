"""The commands that read the store: export and metrics, which tell the same numbers."""

import csv
import io
import json
import re

import openpyxl
import pandas as pd
import pytest

from leadlib.cells import plain
from leadlib.filters import Filters
from leadlib.metrics import METRICS, QUESTIONS, replies_by
from leadlib.records import LADDER
from tests.cli.conftest import Install, Installation, on_unix


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
    (headline,) = synced.run("metrics", "summary", "--format", "json").json["rows"]
    assert headline["leads"] == len(leads)
    assert headline["unique_senders"] == leads["sender_key"].nunique()
    assert headline["reached_sent"] == int((rung.ge(1) | leads["stage"].eq("archived")).sum())
    for place, stage in enumerate(LADDER[1:], 2):
        assert headline[f"reached_{stage}"] == int(rung.ge(place).sum())
    assert headline["archived"] == int(leads["stage"].eq("archived").sum())
    assert headline["observed_at"] == "2026-11-23T12:00:00+00:00"

    by_channel = {row["key"]: row["leads"] for row in synced.run("metrics", "leads", "--by", "channel", "--format",
                                                                 "json").json["rows"]}  # fmt: skip
    assert by_channel == leads["channel"].value_counts().to_dict()
    entities = synced.run("metrics", "leads", "--by", "entity_type", "--format", "json").json["rows"]
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
    days = sample.run("metrics", "volume", "--format", "json", *asked).json["rows"]
    assert sum(row["leads"] for row in days) == len(leads)
    assert days[0]["bucket"] == "2026-11-01T00:00:00"
    assert [row["is_partial"] for row in days[-2:]] == [False, True]


def test_replies_by_name_are_those_of_the_screen_on_the_clock_asked_for(sample: Installation) -> None:
    asked = ("--clock", "working", "--within", "1440", "--format", "json")
    printed = sample.run("metrics", "replied_within", "--by", "channel", *asked).json["rows"]
    with sample.store() as store:
        shown = replies_by(store, Filters(), "channel", clock="working", within=1_440)
    assert [row["key"] for row in printed] == list(shown["key"])
    assert {row["clock"] for row in printed} == {"working"}
    assert [row["n_looks"] for row in printed] == list(shown["n_looks"])
    assert pd.Series([row["replied_within"] for row in printed], dtype=float).tolist() == pytest.approx(
        shown["replied_within"].tolist(), nan_ok=True
    )
    done = sample.run("metrics", "replied_within", "--by", "channel", "--within", "61")
    assert done.code == 2
    assert "Known: 5, 15, 60, 120, 1440" in done.err or "Did you mean" in done.err


def test_an_age_that_is_never_reached_is_not_a_missing_one() -> None:
    assert [plain(value) for value in (12.5, float("inf"), float("nan"))] == [12.5, "never", None]


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


def test_a_file_is_verified_and_one_that_was_altered_ends_with_1(sample: Installation) -> None:
    path = sample.folder / "verified.csv"
    sample.run("export", "--format", "csv", "--output", str(path), "--filter", "type=call")
    done = sample.run("verify", str(path))
    assert (done.code, done.out.splitlines()[0]) == (
        0,
        "Match: the file is as it was written, and the store has the same leads with the same values.",
    )
    assert "Channel call, as of 23\u00a0Nov\u00a02026, 16:00" in done.err
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"call"', '"chat"', 2), encoding="utf-8")
    done = sample.run("verify", str(path))
    lead_ids = sorted(row["lead_id"] for row in csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert done.code == 1
    assert "The file was altered" in done.out
    assert "2\u00a0leads: with other values, in channel (2)." in done.out
    assert any(lead_id in done.out for lead_id in lead_ids)
    path.write_text("lead_id\nx\n", encoding="utf-8")
    assert (sample.run("verify", str(path)).code, sample.run("verify", f"{path}.not").code) == (2, 2)


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
    assert done.json["rows"][0]["leads"] == 0
    assert done.json["rows"][0]["response_rate"] is None
    assert "run “python -m leadlib sync” first" in done.err


def test_figures_in_a_file_that_was_altered_are_told(sample: Installation) -> None:
    path = sample.folder / "channels.csv"
    done = sample.run("metrics", "leads", "--by", "channel", "--format", "csv", "--filter", "from=2026-09-01")
    head, first, *rest = done.out.splitlines()
    path.write_text("\n".join([head, first.replace(first.split(",")[2], "1"), *rest]), encoding="utf-8")
    altered = sample.run("verify", str(path))
    assert altered.code == 1
    assert "leads, 4\u00a0rows, From 2026-09-01, as of 23\u00a0Nov\u00a02026, 16:00." in altered.err
    assert altered.out.splitlines() == [
        "The file was altered: it does not give the hash that it carries.",
        "  1\u00a0row of the file not in today's answer, 1\u00a0row of today's not in the file.",
        "  By column: leads (1).",
    ]


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


def test_the_digest_tells_the_numbers_of_its_days(sample: Installation) -> None:
    path = sample.folder / "digest.html"
    done = sample.run("digest", "--to", "file", "--output", str(path))
    assert (done.code, done.out) == (0, "")
    assert f"“Leads of 16–22\u00a0Nov\u00a02026” went to {path}." in done.err
    days = ("--filter", "from=2026-11-16", "--filter", "to=2026-11-22")
    (row,) = sample.run("metrics", "summary", "--format", "json", *days).json["rows"]
    page = path.read_text(encoding="utf-8")
    assert f"<li>{row['leads']}\u00a0leads from {row['unique_senders']}\u00a0senders in 7\u00a0days." in page
    refused = sample.run("digest", "--to", "email")
    assert (refused.code, refused.out) == (2, "")
    assert "LEADLIB_SMTP" in refused.err
