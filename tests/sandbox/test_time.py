"""The planted truth follows from seed and clock alone, and time only moves it forward."""

from datetime import UTC, datetime, timedelta

import pytest

from leadlib.sandbox import Clock, Truth
from leadlib.sandbox.lead import Lead
from tests.sandbox.conftest import DIALECTS, NOW, caller


def test_same_seed_on_another_day_plants_the_same_leads(truth: Truth) -> None:
    later = Truth(7, 12_000, Clock(NOW + timedelta(days=40)))
    earlier = Truth(7, 12_000, Clock(NOW - timedelta(days=40)))
    common = (NOW - timedelta(days=50), NOW - timedelta(days=45))
    spans = [
        [_content(lead) for lead in planted.leads if common[0] <= lead.created_at < common[1]]
        for planted in (truth, later, earlier)
    ]
    assert spans[0] == spans[1] == spans[2]
    assert len(spans[0]) > 400


def test_other_seed_plants_other_leads(truth: Truth) -> None:
    other = Truth(8, 12_000, Clock(NOW))
    assert [lead.created_ms for lead in other.visible(NOW)[:50]] != [
        lead.created_ms for lead in truth.visible(NOW)[:50]
    ]
    assert {project.id for project in other.projects}.isdisjoint(project.id for project in truth.projects)


def _content(lead: Lead) -> tuple[object, ...]:
    return tuple(getattr(lead, name) for name in Lead.__slots__)


def test_ids_are_unique_and_name_the_kind_of_lead(truth: Truth, visible: list[Lead]) -> None:
    assert len({lead.id for lead in truth.leads}) == len(truth.leads)
    for lead in visible:
        assert lead.id == f"{'call' if lead.channel == 'call' else 'message'}_lead_{lead.number}"
    assert truth.lead(visible[0].id) is visible[0]
    assert truth.lead("message_lead_0") is None


def test_nothing_from_the_future_is_visible_and_leads_arrive_as_the_clock_moves() -> None:
    reader = caller(n_leads=4_000)
    before = reader.page("perPage=1")
    assert before["data"][0]["createdAt"] <= "2026-11-23T12:00:00Z"
    assert any(lead.created_at > NOW for lead in reader.portal.truth.leads)
    reader.portal.clock.advance(timedelta(hours=6))
    reader.mint()
    after = reader.leads("createdAtFrom=2026-11-23T12:00:00.001Z")
    assert after
    assert {row["id"] for row in after} == {
        lead.id for lead in reader.portal.truth.leads if NOW < lead.created_at <= NOW + timedelta(hours=6)
    }


def test_clock_may_jump_far_in_either_direction() -> None:
    reader = caller()
    for days in (500, -300):
        reader.portal.clock.set(NOW + timedelta(days=days))
        reader.token = ""
        rows = reader.leads()
        assert {row["id"] for row in rows} == reader.portal.truth.lead_ids(NOW + timedelta(days=days))
        assert len(rows) > 100


def test_statuses_only_move_forward(truth: Truth, visible: list[Lead]) -> None:
    order = ("sent", "delivered", "opened", "responded", "archived")
    instants = [NOW - timedelta(days=days) for days in range(90, -40, -5)]
    for lead in visible[::10]:
        stages = [order.index(lead.stage_at(at)) for at in instants]
        assert stages == sorted(stages)
        times = [at for _, at in lead.transitions]
        assert times == sorted(times)
        assert [stage for stage, _ in lead.transitions] == sorted((s for s, _ in lead.transitions), key=order.index)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_statuses_on_the_wire_only_move_forward_and_do_move(dialect: str) -> None:
    order = {
        "filter": ["sent", "opened", "responded", "archived"], "flat": ["sent", "delivered", "read", "replied"],
    }[dialect]  # fmt: skip
    reader = caller(dialect=dialect, n_leads=4_000)
    recent = "createdAtFrom=2026-11-13T00:00:00Z"
    before = {row["id"]: row["status"] for row in reader.leads(recent)}
    reader.portal.clock.advance(timedelta(days=2))
    reader.token = ""
    after = {row["id"]: row["status"] for row in reader.leads(recent) if row["id"] in before}
    assert all(order.index(before[lead_id]) <= order.index(after[lead_id]) for lead_id in after)
    assert sum(before[lead_id] != after[lead_id] for lead_id in after) >= 2


def test_running_clock_runs_and_can_be_moved() -> None:
    clock = Clock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    clock.advance(timedelta(days=1))
    assert timedelta(hours=23) < clock.now() - datetime.now(UTC) < timedelta(hours=25)
    assert not clock.is_held


def test_clock_refuses_an_instant_without_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Clock(NOW.replace(tzinfo=None))
