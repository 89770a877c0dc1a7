"""Scopes: what somebody sees of a store is what a store would answer that only ever held their leads."""

import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from leadlib.access import Access
from leadlib.errors import AccessError, FilterError, SqlCellError, StoreError, StoreReadOnlyError
from leadlib.export import Tickets, export_leads, verify_file
from leadlib.filters import Filters
from leadlib.metrics import METRICS, QUESTIONS, compute, queue, why_changed
from leadlib.metrics.by_name import ANY
from leadlib.metrics.choices import choices
from leadlib.metrics.lead_rows import lead_rows
from leadlib.metrics.queries import coverage
from leadlib.metrics.table import OWN
from leadlib.records import AgentName, Lead, ListingName, ProjectName, RejectedRow
from leadlib.sql_cells import run_sql
from leadlib.store import SliceRow, Store, SyncRow, store_for
from leadlib.store.files import File
from leadlib.store.generations import open_newest
from leadlib.store.scope import OUTSIDE, TABLES
from tests.conftest import at, make_lead
from tests.disasters import open_at

OURS = (1, 2)
VIEWER = Access("viewer", "v@example.com")
SCOPED = Access("viewer", "v@example.com", OURS)
SCOPED_MANAGER = Access("manager", "m@example.com", OURS)
FIRST = at("2026-09-10 00:00")
LOOKS = (at("2026-09-20 06:00"), at("2026-09-24 06:00"), at("2026-09-30 06:00"))
ALL = Filters()


def history_of(n_leads: int = 160) -> list[tuple[datetime, list[Lead]]]:
    """Three looks at a brokerage of four agents: statuses move on, some leads change hands, some are nobody's."""
    chance = random.Random(6)
    looks: list[tuple[datetime, list[Lead]]] = [(look, []) for look in LOOKS]
    for number in range(n_leads):
        created = FIRST + timedelta(minutes=chance.randrange(14 * 24 * 60))
        agent = chance.choice([1, 2, 3, 4, None])
        steps = sorted(chance.choices(["sent", "delivered", "read", "replied"], k=3), key=_rung)
        who = {"name": f"Sender {number % 90}", "contacts": [{"type": "phone", "value": f"+9715000{number % 90:05}"}]}
        kind = chance.choice(["listing", "project"])
        about = {
            "entityType": kind,
            "listing": {"id": f"L{number % 7}", "reference": f"R-{number % 7}"} if kind == "listing" else None,
            "project": {"id": f"P{number % 3}"} if kind == "project" else None,
            "sender": who,
            "channel": chance.choice(["whatsapp", "call", "email"]),
            "tags": chance.choice([[], ["hot"]]),
        }
        for (look, leads), status in zip(looks, steps, strict=True):
            if look >= created:
                profile = None if agent is None else {"id": agent}
                made = created.isoformat().replace("+00:00", "Z")
                leads.append(make_lead(f"lead-{number}", made, status=status, publicProfile=profile, **about))
            agent = chance.choice([agent, agent, agent, 1, 3])
    return looks


def _rung(status: str) -> int:
    return ["sent", "delivered", "read", "replied"].index(status)


def sync_row(sync_id: str, at: datetime) -> SyncRow:
    counts = {"n_read": 9, "n_new": 9, "n_changed": 0, "n_unchanged": 0, "n_rejected": 0, "n_uncertain": 0}
    facts = {"n_calls": 2, "n_retries": 0, "seconds": 1.0, "message": "words", "portal_total": 9, "store_total": 9}
    span = {"started_at": at, "finished_at": at, "created_from": FIRST, "created_to": at}
    return SyncRow(sync_id=sync_id, kind="cold", outcome="complete", dialect="filter", **span, **counts, **facts)


def fill(store: Store, looks: list[tuple[datetime, list[Lead]]], ids: set[str], agents: set[int]) -> None:
    """Writes the looks at these leads, and the names of whom and what they are about."""
    for look, leads in looks:
        sync = store.begin_sync(kind="cold", dialect="filter", started_at=look)
        slice_row = SliceRow(sync, FIRST, look, 7, 7, True, look)
        store.write_leads([lead for lead in leads if lead.lead_id in ids], observed_at=look, slice_rows=[slice_row])
        store.finish_sync(sync_row(sync, look))
    about = {lead.listing_id for _, leads in looks for lead in leads if lead.lead_id in ids}
    store.write_names(
        [AgentName(agent, f"Agent {agent}", True) for agent in sorted(agents)],
        [
            ListingName(one, f"R-{one}", f"Flat {one}", "AP", "residential", "rent")
            for one in sorted(filter(None, about))
        ],
        [ProjectName(f"P{n}", f"Tower {n}", "D1", "Builder") for n in range(3)],
        at=LOOKS[-1],
    )


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store]]:
    """A store of everything, and one that only ever held the leads which are now those of OURS."""
    looks = history_of()
    last = {lead.lead_id: lead.agent_id for _, leads in looks for lead in leads}
    with open_at(tmp_path_factory.mktemp("whole")) as whole, open_at(tmp_path_factory.mktemp("ours")) as ours:
        fill(whole, looks, set(last), {1, 2, 3, 4})
        fill(ours, looks, {lead_id for lead_id, agent in last.items() if agent in OURS}, set(OURS))
        rejected = RejectedRow("the id is missing or empty", None, "{}")
        whole.write_rejected([rejected], sync_id="s", observed_at=LOOKS[-1])
        whole.publish()
        yield whole, ours


def questions() -> list[tuple[str, str | None]]:
    """Every question that can be asked by name, over all leads and by a few of its groups."""
    return [
        (name, by)
        for name, question in QUESTIONS.items()
        for by in (None, *(("agent", "week") if question.groups == ANY else question.groups[:2]))
    ]


def all_of(store: Store, table: str) -> pd.DataFrame:
    return store.query(f"select * from {table}")  # noqa: S608  # a name of our own


def test_every_question_is_answered_as_if_there_were_no_other_leads(both: tuple[Store, Store]) -> None:
    whole, ours = both
    seen = store_for(whole, SCOPED)
    some = Filters.of({"type": ["whatsapp", "email"], "from": ["2026-09-12"]})
    for name, by in questions():
        with suppress(FilterError):  # a group that this question does not take
            expected = compute(name, ours, some, by)
            assert_frame_equal(compute(name, seen, some, by), expected, obj=f"{name} by {by}")


def test_every_metric_of_its_own_and_every_list_too(both: tuple[Store, Store]) -> None:
    whole, ours = both
    seen = store_for(whole, SCOPED)
    for metric in METRICS:
        if metric.question != OWN:
            continue  # asked above, as part of its question
        assert_frame_equal(compute(metric.key, seen, ALL), compute(metric.key, ours, ALL), obj=metric.key)
    for ask, options in (
        (choices, {}),
        (lead_rows, {"order": "longest_waiting", "page": 1}),
        (queue, {"order": "oldest", "page": 1}),
        (why_changed, {"then": "2026-09-22", "now": "2026-09-27"}),
    ):
        found, expected = (
            ask(store, ALL, **options).drop(columns="sender_key", errors="ignore") for store in (seen, ours)
        )
        assert len(expected), ask
        assert_frame_equal(found, expected, obj=ask.__name__)
    assert coverage(seen) == coverage(ours) == coverage(whole)
    assert seen.as_of() == ours.as_of()


def test_other_agents_are_in_the_whole_store_and_in_no_answer_of_a_scope(both: tuple[Store, Store]) -> None:
    whole, _ = both
    assert set(compute("breakdown", whole, ALL, "agent")["key"]) == {"1", "2", "3", "4", "none"}
    seen = store_for(whole, SCOPED)
    assert set(compute("breakdown", seen, ALL, "agent")["key"]) == {"1", "2"}
    assert compute("summary", seen, Filters.of({"agent": ["3", "none"]}))["leads"].iloc[0] == 0
    assert set(seen.query("select name from agents")["name"]) == {"Agent 1", "Agent 2"}


@pytest.mark.parametrize("table", [*sorted(TABLES), *sorted(OUTSIDE)])
def test_every_table_of_the_store_is_classified(both: tuple[Store, Store], table: str) -> None:
    whole, _ = both
    there = set(whole.query("select table_name as name from duckdb_tables() where database_name = 'leads'")["name"])
    assert there == {*TABLES, *OUTSIDE}
    seen = store_for(whole, SCOPED)
    if table in OUTSIDE:
        with pytest.raises(StoreError):
            all_of(seen, table)
    else:
        columns = list(all_of(whole, table).columns)
        assert list(all_of(seen, table).columns) == columns


@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_scope_has_of_each_table_what_its_leads_would_have_brought(both: tuple[Store, Store], table: str) -> None:
    whole, ours = both
    blank = TABLES[table].blank
    unlike = {"sync_id", "sender_key", "sender_no", *blank}
    found, expected = (
        frame.drop(columns=[name for name in frame if name in unlike]).astype(str)
        for frame in (all_of(store_for(whole, SCOPED), table), all_of(ours, table))
    )
    order = list(expected.columns)
    assert_frame_equal(
        found.sort_values(order, ignore_index=True), expected.sort_values(order, ignore_index=True), obj=table
    )
    seen = all_of(store_for(whole, SCOPED), table)
    assert all(seen[name].isna().all() for name in blank)


def test_the_files_of_a_scope_hold_its_leads_alone(both: tuple[Store, Store], tmp_path: Path) -> None:
    whole, ours = both
    for access in (SCOPED, SCOPED_MANAGER):
        done = export_leads(
            store_for(whole, access), ALL, "parquet", tmp_path / "leads.parquet", personal=access.may_export_people
        )
        rows = pd.read_parquet(tmp_path / "leads.parquet")
        assert done.rows == len(rows) == len(ours.query("select lead_id from leads"))
        assert set(rows["agent_id"]) == set(OURS)
        assert ("sender_phone" in rows) is access.may_export_people
        assert verify_file(whole, tmp_path / "leads.parquet").is_match


def test_a_ticket_is_for_who_may_have_the_file_and_says_who_that_is() -> None:
    tickets = Tickets()
    with pytest.raises(AccessError, match="no right to this download"):
        tickets.issue(ALL, "csv", personal=True, access=SCOPED)
    ticket = tickets.redeem(tickets.issue(ALL, "csv", personal=False, access=SCOPED))
    assert ticket is not None
    assert ticket.access == SCOPED


# People


def test_contacts_come_only_for_leads_of_the_scope(both: tuple[Store, Store]) -> None:
    whole, ours = both
    ids = whole.query("select lead_id from leads")["lead_id"].tolist()
    found = store_for(whole, SCOPED_MANAGER).contacts(ids)
    expected = ours.contacts(ids)
    assert found.schema == expected.schema
    assert found.sort_by("lead_id").to_pylist() == expected.sort_by("lead_id").to_pylist()
    assert 0 < found.num_rows < whole.contacts(ids).num_rows


def test_who_may_not_see_people_gets_masks_and_no_links(store: Store) -> None:
    person = {
        "name": "Sara Al Example",
        "contacts": [
            {"type": "phone", "value": "+971501234567"},
            {"type": "email", "value": "sara@example.org"},
            {"type": "whatsappUsername", "value": "sara.writes"},
        ],
    }
    call = {"talkTime": 9, "waitTime": 1, "recordFile": "https://example.com/recording"}
    store.write_leads([make_lead("a", sender=person, call=call, enrichment={"age": "thirty"})], observed_at=LOOKS[0])
    (full,) = store.contacts(["a"]).to_pylist()
    (masked,) = store_for(store, VIEWER).contacts(["a"]).to_pylist()
    assert all(full.values())
    assert masked == {
        "lead_id": "a",
        "sender_name": "S. A. E.",
        "sender_phone": "+971…67",
        "sender_email": "s***",
        "sender_whatsapp_username": "s***",
        "response_link": None,
        "call_record_url": None,
        "enrichment": None,
    }
    assert store_for(store, Access("manager")).contacts(["a"]).to_pylist() == [full]


# Nothing to change, nowhere to leave to


READS = {
    *(
        "query",
        "batches",
        "contacts",
        "as_of",
        "recall",
        "pseudonym",
        "alarms",
        "ids_without_names",
        "ids_with_old_names",
    ),
    *("sequence", "leads_to_ask_for", "published", "personal_copied_at", "close", "open", "open_beside", "files"),
}


def test_an_owner_has_the_store_itself_and_the_others_one_in_which_all_but_reading_is_refused(
    both: tuple[Store, Store],
) -> None:
    """A new method of Store has to be looked at here: is it a change, or may it be read, and through the scope?"""
    whole, _ = both
    assert store_for(whole, Access("owner")) is whole
    methods = {name for name, _ in inspect.getmembers(Store, callable) if not name.startswith("_")}
    assert methods > READS
    before = whole.data_version
    for seen in (store_for(whole, VIEWER), store_for(whole, SCOPED)):
        for name in methods - READS:
            with pytest.raises(StoreReadOnlyError):
                getattr(seen, name)()
        with pytest.raises(StoreReadOnlyError), seen._analytics.transaction():
            pass
        with pytest.raises(StoreReadOnlyError), seen._personal.transaction():
            pass
        with pytest.raises(StoreReadOnlyError):
            seen.words.note_on_day(LOOKS[0].date(), "words", "author")
        with pytest.raises(StoreError):
            seen._personal.fetch("select * from lead_contacts")
        seen.close()
        assert seen.data_version == before == whole.data_version
    assert len(whole.query("select 1 as one from leads")) > 0


def test_words_are_for_all_and_written_by_who_may(open_store: Callable[..., Store]) -> None:
    whole = open_store("words")
    day = LOOKS[0].date()
    store_for(whole, SCOPED_MANAGER).words.note_on_day(day, "campaign", "omar")
    seen = store_for(whole, SCOPED)
    assert [note.words for note in seen.words.day_notes()] == ["campaign"]
    whole.words.take_down(whole.words.day_notes()[0])
    assert seen.words.day_notes() == ()


def test_a_scope_is_made_anew_after_the_database_had_to_be_opened_again(tmp_path: Path) -> None:
    with open_at(tmp_path) as store:
        store.write_leads([make_lead("a", publicProfile={"id": 1}), make_lead("b")], observed_at=LOOKS[0])
        seen = store_for(store, SCOPED)
        assert seen.query("select lead_id from leads")["lead_id"].tolist() == ["a"]
        store._analytics._connection.close()
        store._analytics._connection = None
        assert seen.query("select lead_id from leads")["lead_id"].tolist() == ["a"]
        store.write_leads([make_lead("c", publicProfile={"id": 2})], observed_at=LOOKS[1])
        assert sorted(seen.query("select lead_id from leads")["lead_id"]) == ["a", "c"]
    assert isinstance(store._analytics, File)


def test_a_store_that_is_read_beside_the_app_shows_all_leads_or_none(tmp_path: Path) -> None:
    with open_at(tmp_path / "s") as store:
        store.write_leads([make_lead("a")], observed_at=LOOKS[0])
        store.publish()
        with Store.open_beside(tmp_path / "s", timezone=store.timezone) as beside:
            with pytest.raises(StoreError, match="all leads are seen or none"):
                store_for(beside, SCOPED)
            assert compute("summary", store_for(beside, VIEWER), ALL)["leads"].iloc[0] == 1


# SQL, in its own process


def test_sql_sees_a_scope_of_every_relation_and_no_table_beside_it(both: tuple[Store, Store]) -> None:
    whole, ours = both
    n_ours = len(ours.query("select lead_id from leads"))
    sql = (
        "select (select count(*) from leads) as leads, (select count(distinct agent_id) from leads) as agents, "
        "(select count(*) from filtered_leads) as filtered, (select count(*) from agents) as names, "
        "(select count(*) from status_observations) as seen, (select count(*) from assignment_observations) as held, "
        "(select count(total) from slices) as totals, (select count(*) from slices) as slices, "
        "(select sum(n_read) from syncs) as read"
    )
    row = run_sql(whole.folder, sql, Filters.of({"type": ["call"]}), agents=OURS).frame.iloc[0]
    assert (row["leads"], row["agents"], row["names"]) == (n_ours, 2, 2)
    assert row["filtered"] == compute("summary", ours, Filters.of({"type": ["call"]}))["leads"].iloc[0]
    for name, table in (("seen", "status_observations"), ("held", "assignment_observations")):
        assert row[name] == len(all_of(ours, table))
    assert (row["totals"], row["slices"]) == (0, 3)
    assert pd.isna(row["read"])
    with pytest.raises(SqlCellError):
        run_sql(whole.folder, "select * from main.leads", ALL, agents=OURS)
    with open_newest(whole.folder, OURS) as generation:
        assert generation.query("select count(*) as n from leads")["n"].iloc[0] == n_ours
        assert generation.query("select count(total) as n from slices")["n"].iloc[0] == 0
        with pytest.raises(StoreError):
            generation.query("select * from meta")
