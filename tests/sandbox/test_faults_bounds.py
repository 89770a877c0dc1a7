"""Faults of the span asked for: the variants of its bounds, and of the three months."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.sandbox.conftest import NOW, faulty

VARIANTS = [(), ("from-exclusive",), ("to-exclusive",), ("from-exclusive", "to-exclusive")]


@pytest.mark.parametrize("names", VARIANTS, ids=["both-in", "from-out", "to-out", "both-out"])
def test_bounds_leave_out_what_lies_exactly_on_them(names: tuple[str, ...]) -> None:
    reader = faulty(*names, n_leads=100, bounds_created_to=True)
    leads = reader.portal.truth.visible(NOW)[10:20]
    ends = [f"{lead.created_at:%Y-%m-%dT%H:%M:%S}.{lead.created_ms % 1000:03d}Z" for lead in (leads[0], leads[-1])]
    found = {row["id"] for row in reader.leads(f"createdAtFrom={ends[0]}&createdAtTo={ends[1]}")}
    low, high = "from-exclusive" in names, len(leads) - ("to-exclusive" in names)
    assert found == {lead.id for lead in leads[low:high]}


@pytest.mark.parametrize("names", VARIANTS, ids=["both-in", "from-out", "to-out", "both-out"])
def test_whole_second_bounds_do_not_see_fractions(names: tuple[str, ...]) -> None:
    reader = faulty("whole-second-bounds", *names, n_leads=400, bounds_created_to=True)
    lead = next(lead for lead in reader.portal.truth.visible(NOW) if 0 < lead.created_ms % 1000 < 900)
    second = f"{lead.created_at:%Y-%m-%dT%H:%M:%S}"
    for bounds in (f"createdAtFrom={second}.950Z", f"createdAtTo={second}.000Z"):
        found = lead.id in {row["id"] for row in reader.leads(bounds)}
        assert found == (("from-exclusive" if "From" in bounds else "to-exclusive") not in names)


def test_bounds_that_leave_nothing_between_them_are_answered_with_nothing() -> None:
    reader = faulty("from-exclusive", "to-exclusive", bounds_created_to=True)
    body = reader.page("createdAtFrom=2026-11-01T00:00:00Z&createdAtTo=2026-11-01T00:00:00Z")
    assert (body["data"], body["pagination"]["total"]) == ([], 0)


@pytest.mark.parametrize(
    ("name", "now", "oldest"),
    [
        pytest.param(None, "2026-11-30T21:30:00Z", "2026-08-30T21:30:00Z", id="by-instant"),
        pytest.param("window-utc-dates", "2026-11-30T21:30:00Z", "2026-08-30T00:00:00Z", id="by-utc-date"),
        pytest.param("window-dubai-dates", "2026-11-30T21:30:00Z", "2026-08-31T20:00:00Z", id="by-dubai-date"),
        pytest.param("window-dubai-dates", "2026-05-31T12:00:00Z", "2026-02-27T20:00:00Z", id="short-month-in-dubai"),
        pytest.param("window-ninety-days", "2026-11-30T21:30:00Z", "2026-09-01T21:30:00Z", id="ninety-days"),
    ],
)
def test_window_begins_where_its_rule_says(name: str | None, now: str, oldest: str) -> None:
    at, start = (datetime.fromisoformat(text) for text in (now, oldest))
    reader = faulty(*filter(None, [name]), frozen_at=at)
    before = start - timedelta(seconds=1)
    assert reader.get(f"/v1/leads?createdAtFrom={start:%Y-%m-%dT%H:%M:%SZ}").status_code == 200
    assert reader.get(f"/v1/leads?createdAtFrom={before:%Y-%m-%dT%H:%M:%SZ}").status_code == 422
    truth = reader.portal.truth
    assert truth.window_start(at) == start
    expected = {lead.id for lead in truth.leads if start <= lead.created_at <= at}
    assert truth.lead_ids(at) == {row["id"] for row in reader.leads()} == expected
    assert truth.visible_throughout(at, at, before, at) == expected


@pytest.mark.parametrize("name", ["window-utc-dates", "window-dubai-dates", "window-ninety-days"])
def test_window_never_moves_back_in_a_leap_year(name: str) -> None:
    truth = faulty(name, n_leads=0).portal.truth
    starts = [truth.window_start(datetime(2027, 12, 31, 22, tzinfo=UTC) + timedelta(hours=6) * k) for k in range(1464)]
    assert starts == sorted(starts)
    ages = {(datetime(2027, 12, 31, 22, tzinfo=UTC) + timedelta(hours=6) * k - at).days for k, at in enumerate(starts)}
    assert ages <= set(range(89, 94))
    if name == "window-dubai-dates":
        assert {at.astimezone(timezone(timedelta(hours=4))).hour for at in starts} == {0}
