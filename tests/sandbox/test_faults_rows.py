"""Faults of single rows: the corpus holds what it names, and the truth knows which rows are leads."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from leadlib.sandbox import ODD_CORPUS
from tests.sandbox.conftest import NOW, Caller, faulty

FIRST_AT = NOW - timedelta(days=5)
SPAN = (
    f"createdAtFrom={FIRST_AT:%Y-%m-%dT%H:%M:%SZ}"
    f"&createdAtTo={FIRST_AT + timedelta(seconds=len(ODD_CORPUS) - 1):%Y-%m-%dT%H:%M:%SZ}"
)


def odd(**options: int) -> Caller:
    given = {f"odd-corpus.{name}": value for name, value in options.items()}
    return faulty("odd-corpus", options=given, n_leads=100, bounds_created_to=True)


@pytest.fixture(scope="module")
def corpus() -> dict[str, Any]:
    """The rows as they come, by name; the clock's second holds no other lead."""
    rows = odd().leads(SPAN)
    assert len(rows) == len(ODD_CORPUS)
    return {entry.name: row for entry, row in zip(ODD_CORPUS, reversed(rows), strict=True)}


def test_corpus_has_the_size_that_it_says() -> None:
    assert len({entry.name for entry in ODD_CORPUS}) == len(ODD_CORPUS) == 61
    assert Counter(entry.is_lead for entry in ODD_CORPUS) == {True: 41, False: 20}


def test_truth_knows_which_rows_of_the_corpus_are_leads_and_by_which_id() -> None:
    reader = odd()
    span = (FIRST_AT, FIRST_AT + timedelta(seconds=len(ODD_CORPUS) - 1))
    there = reader.portal.truth.visible_throughout(NOW, NOW, *span)
    assert len(there) == sum(entry.is_lead for entry in ODD_CORPUS)
    rows = list(reversed(reader.leads(SPAN)))
    assert there == {str(row["id"]) for entry, row in zip(ODD_CORPUS, rows, strict=True) if entry.is_lead}
    leads = reader.portal.truth.visible(NOW)
    assert sum(reader.portal.truth.readable_id(lead) is None for lead in leads) == 20


def test_corpus_holds_odd_ids(corpus: dict[str, Any]) -> None:
    assert isinstance(corpus["number id"]["id"], int)
    assert len(str(corpus["30-digit id"]["id"])) == 30
    assert corpus["id is null"]["id"] is None
    assert "id" not in corpus["id is missing"]
    assert [corpus[f"row is {text}"] for text in ("null", '"lead"', "[]", "{}")] == [None, "lead", [], {}]


def test_corpus_holds_odd_texts(corpus: dict[str, Any]) -> None:
    with pytest.raises(UnicodeEncodeError):
        corpus["name with half a character"]["sender"]["name"].encode()
    assert "\x00" in corpus["name with NUL"]["sender"]["name"]
    assert "\u202e" in corpus["name with changes of direction"]["sender"]["name"]
    assert len(corpus["huge name"]["sender"]["name"]) == 64 * 1024
    assert len(corpus["ten thousand contacts"]["sender"]["contacts"]) == 10_000


def test_corpus_holds_odd_structures(corpus: dict[str, Any]) -> None:
    depth, part = 0, corpus["deep nesting"]["enrichment"]["deep"]
    while part:
        depth, part = depth + 1, part[0]
    assert depth == 199
    assert corpus["keys twice"]["tags"] == ["second"]
    assert corpus["talk time is no number"]["call"]["talkTime"] != corpus["talk time is no number"]["call"]["talkTime"]
    assert corpus["new nested field"]["sellerProperty"]["rooms"][0]["size"] == {"m2": 12.5}


def test_corpus_writes_the_same_instant_in_other_ways(corpus: dict[str, Any]) -> None:
    assert corpus["createdAt in Dubai's time"]["createdAt"].endswith("+04:00")
    assert corpus["createdAt with nine digits"]["createdAt"].endswith(".000000000Z")
    assert corpus["createdAt is in year 1"]["createdAt"] == "0001-01-01T00:00:00Z"


def test_corpus_can_be_made_worse() -> None:
    body = odd(nesting=100_000, name_kib=1024).get(f"/v1/leads?{SPAN}&page=1").content
    assert b"[" * 100_000 in body
    assert len(body) > 1024 * 1024
    with pytest.raises(RecursionError):
        json.loads(body)


def test_many_rejects_are_two_in_a_hundred_and_the_truth_leaves_them_out() -> None:
    reader = faulty("many-rejects", n_leads=3_000)
    rows = reader.leads()
    leads = {row["id"] for row in rows if "id" in row and row["createdAt"] != "yesterday"}
    assert 0.012 < 1 - len(leads) / len(rows) < 0.03
    assert reader.portal.truth.visible_throughout(NOW, NOW, NOW - timedelta(days=100), NOW) == leads


def test_share_of_rejects_can_be_set() -> None:
    reader = faulty("many-rejects", options={"many-rejects.percent": 100})
    assert reader.portal.truth.visible_throughout(NOW, NOW, NOW - timedelta(days=100), NOW) == set()
    assert len(reader.leads()) > 200


def test_odd_rows_that_are_no_leads_are_left_out_of_what_was_there() -> None:
    reader = faulty("odd-rows", n_leads=2_000)
    leads = {row["id"] for row in reader.leads() if "id" in row and row["createdAt"] != "yesterday"}
    assert reader.portal.truth.visible_throughout(NOW, NOW, NOW - timedelta(days=100), NOW) == leads
