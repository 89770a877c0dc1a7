"""The brokerage is planted as it says: its mix, its people, its habits and its incidents."""

import json
import re
import statistics
from collections import Counter
from datetime import date, timedelta
from urllib.parse import urlsplit

import pytest

from leadlib.sandbox import Clock, Truth
from leadlib.sandbox.brokerage import CHANNEL_MIX
from leadlib.sandbox.lead import Lead
from leadlib.sandbox.people import sender
from leadlib.sandbox.wire import CHANNELS, ENTITY_TYPES
from tests.sandbox.conftest import DIALECTS, DUBAI_AHEAD, NOW, Caller


def test_window_shows_about_as_many_leads_as_asked_for(visible: list[Lead]) -> None:
    assert 11_400 < len(visible) < 12_600


def test_channels_and_entities_have_the_planted_mix(visible: list[Lead]) -> None:
    n_leads = len(visible)
    channels = Counter(lead.channel for lead in visible)
    for channel, share in CHANNEL_MIX.items():
        assert channels[channel] / n_leads == pytest.approx(share, abs=0.02)
    entities = Counter(lead.entity_type for lead in visible)
    assert entities["listing"] / n_leads > 0.7
    assert set(entities) == {"listing", "project", "publicProfile", "developer", "company"}


def test_about_sixty_per_cent_are_answered_four_archived_and_four_unassigned(visible: list[Lead]) -> None:
    n_leads = len(visible)
    assert sum(lead.responded_ms is not None for lead in visible) / n_leads == pytest.approx(0.6, abs=0.04)
    assert sum(lead.archived_ms is not None for lead in visible) / n_leads == pytest.approx(0.038, abs=0.008)
    unassigned = [lead for lead in visible if lead.agent_id is None]
    assert len(unassigned) / n_leads == pytest.approx(0.04, abs=0.01)
    assert sum(lead.entity_type == "project" for lead in unassigned) > len(unassigned) / 2


def test_one_lead_in_six_is_from_somebody_who_wrote_before(visible: list[Lead]) -> None:
    n_people = len({lead.person for lead in visible})
    assert 1 - n_people / len(visible) == pytest.approx(0.15, abs=0.03)
    assert n_people == len({sender(7, lead.person, "call").phone for lead in visible})


def test_answers_follow_each_agents_planted_propensity(truth: Truth, visible: list[Lead]) -> None:
    for agent in truth.agents:
        leads = [lead for lead in visible if lead.agent_id == agent.id and lead.listing is not truth.ignored_listing]
        if len(leads) < 100:
            continue
        rate = sum(lead.responded_ms is not None for lead in leads) / len(leads)
        expected = statistics.fmean(agent.propensities[lead.channel] for lead in leads)
        assert rate == pytest.approx(expected, abs=4 * (0.25 / len(leads)) ** 0.5)


def test_delays_follow_each_agents_planted_median(truth: Truth, visible: list[Lead]) -> None:
    for agent in truth.agents:
        delays = [
            lead.response_minutes
            for lead in visible
            if lead.agent_id == agent.id and lead.channel == "whatsapp" and lead.response_minutes is not None
        ]
        if len(delays) >= 80 and not agent.is_auto_responder:
            assert 0.6 < statistics.median(delays) / agent.median_delay_minutes < 1.67


def test_agents_differ_and_write_in_two_scripts(truth: Truth) -> None:
    assert 23 <= len(truth.agents) <= 26
    assert len({agent.name for agent in truth.agents}) == len(truth.agents)
    assert sum(bool(re.search("[\u0600-\u06ff]", agent.name)) for agent in truth.agents) >= 4
    propensities = [agent.response_propensity for agent in truth.agents]
    assert min(propensities) < 0.45
    assert max(propensities) > 0.8


def test_auto_responder_answers_whatsapp_within_a_minute(truth: Truth, visible: list[Lead]) -> None:
    agent = truth.auto_responder
    leads = [lead for lead in visible if lead.agent_id == agent.id and lead.channel == "whatsapp"]
    answered = [lead.response_minutes for lead in leads if lead.response_minutes is not None]
    assert len(leads) > 50
    assert len(answered) / len(leads) > 0.95
    assert max(answered) < 1


@pytest.mark.parametrize("n_leads", [300, 12_000])
def test_quiet_agent_gets_about_seven_leads_a_quarter(n_leads: int) -> None:
    planted = Truth(7, n_leads, Clock(NOW))
    assert sum(lead.agent_id == planted.quiet_agent.id for lead in planted.visible(NOW)) in (6, 7, 8)


def test_departed_agents_leads_stop_in_mid_window(truth: Truth, visible: list[Lead]) -> None:
    departed = [agent for agent in truth.agents if not agent.active]
    assert [agent.left_on for agent in departed] == [date(2026, 10, 8)]
    days = [(lead.created_at + DUBAI_AHEAD).date() for lead in visible if lead.agent_id == departed[0].id]
    assert len(days) > 50
    assert date(2026, 10, 1) < max(days) < date(2026, 10, 8)


def test_outage_is_a_hole_of_seven_hours_in_which_nothing_arrives(truth: Truth, visible: list[Lead]) -> None:
    ((begin, end),) = truth.outages(NOW)
    assert end - begin == timedelta(hours=7)
    assert not [lead for lead in visible if begin <= lead.created_at < end]
    for days in (-7, -1, 1, 7):
        shift = timedelta(days=days)
        assert sum(begin + shift <= lead.created_at < end + shift for lead in visible) > 20


def test_campaign_is_a_spike_of_two_weeks_for_one_project(truth: Truth, visible: list[Lead]) -> None:
    ((project, first, last),) = truth.campaigns(NOW)
    assert (last - first).days == 13
    by_day = Counter((lead.created_at + DUBAI_AHEAD).date() for lead in visible if lead.project is project)
    during = [by_day[first + timedelta(days=place)] for place in range(14)]
    outside = [n for day, n in by_day.items() if not first <= day <= last]
    assert min(during) > 5 * statistics.fmean(outside)


def test_campaign_lies_so_that_november_of_2026_does_not_read_as_a_collapse(truth: Truth) -> None:
    """The screenshots of that month show the spike in the middle, and about as many leads as in the month before."""
    by_day = Counter((lead.created_at + DUBAI_AHEAD).date() for lead in truth.leads)
    today = (NOW + DUBAI_AHEAD).date()
    months = [sum(by_day[today - timedelta(days=start + place)] for place in range(30)) for start in (1, 31)]
    assert -0.05 < months[0] / months[1] - 1 < 0.15
    ((_, first, last),) = truth.campaigns(NOW)
    assert ((today - first).days, (today - last).days) == (35, 22)


def test_few_enough_are_archived_for_a_rate_over_all_and_too_many_for_some_agents(
    truth: Truth, visible: list[Lead]
) -> None:
    """Above 5 % of archived leads without a history the screens show bounds in place of a response rate."""
    mature = [lead for lead in visible if lead.created_at <= NOW - timedelta(days=1)]
    archived = Counter(lead.agent_id for lead in mature if lead.stage_at(NOW) == "archived")
    by_agent = Counter(lead.agent_id for lead in mature)
    shares = [archived[agent.id] / by_agent[agent.id] for agent in truth.agents if by_agent[agent.id] >= 100]
    assert archived.total() / len(mature) < 0.04
    assert min(shares) < 0.02
    assert max(shares) > 0.05


def test_rainy_day_is_a_dip(truth: Truth, visible: list[Lead]) -> None:
    (rainy,) = truth.rainy_days(NOW)
    by_day = Counter((lead.created_at + DUBAI_AHEAD).date() for lead in visible)
    assert by_day[rainy] < 0.6 * statistics.fmean(by_day[rainy + timedelta(days=days)] for days in (-7, -1, 1, 7))


@pytest.mark.parametrize("days", range(0, 365, 29))
def test_any_window_has_its_outage_and_its_departure(days: int) -> None:
    at = NOW + timedelta(days=days)
    planted = Truth(7, 0, Clock(at))
    assert 1 <= len(planted.outages(at)) <= 2
    assert 1 <= sum(not agent.active for agent in planted.agents_at(at)) <= 2


def test_day_has_two_peaks_in_dubai_and_growth_is_slow(visible: list[Lead]) -> None:
    by_hour = Counter((lead.created_at + DUBAI_AHEAD).hour for lead in visible)
    assert min(by_hour[11], by_hour[19]) > by_hour[14] > 3 * by_hour[4]
    halves = Counter(lead.created_at > NOW - timedelta(days=38) for lead in visible if not lead.is_from_campaign)
    assert 0.98 < halves[True] / 38 / (halves[False] / 54) < 1.15


def test_popular_listing_is_hardly_ever_answered(truth: Truth, visible: list[Lead]) -> None:
    leads = [lead for lead in visible if lead.listing is truth.ignored_listing]
    popular = Counter(lead.listing.id for lead in visible if lead.listing)
    assert popular.most_common(1)[0][0] == truth.ignored_listing.id
    assert sum(lead.responded_ms is not None for lead in leads) / len(leads) < 0.15


def test_listings_carry_plain_and_odd_references(truth: Truth) -> None:
    references = [listing.reference for listing in truth.listings]
    odd = [reference for reference in references if not re.fullmatch(r"LL-[RS]-\d{4}", reference)]
    assert len(references) == 260
    assert len(odd) == 3
    assert "-" in odd
    assert any(reference.endswith("/") for reference in odd)
    assert any("," in reference for reference in odd)
    assert all(("R" in r) == (truth.listings[i].offering == "rent") for i, r in enumerate(references) if r not in odd)


def test_expected_rate_is_the_mean_of_the_planted_propensities(truth: Truth, visible: list[Lead]) -> None:
    planted = [lead.propensity for lead in visible if lead.agent_id == 90_001]
    assert truth.expected_response_rate(90_001, NOW) == pytest.approx(statistics.fmean(planted))
    assert truth.expected_response_rate(1, NOW) is None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_rows_show_what_their_channel_shows(dialect: str, request: pytest.FixtureRequest) -> None:
    reader: Caller = request.getfixturevalue({"filter": "filtering", "flat": "flat"}[dialect])
    answered = {"filter": "responded", "flat": "replied"}[dialect]
    rows = reader.leads()
    for row in rows:
        is_whatsapp = row["channel"] == "whatsapp"
        assert (row.get("responseLink") is not None) == is_whatsapp
        assert ("call" in row) == (row["channel"] == "call")
        if is_whatsapp:
            assert row["responseLink"] == f"https://example.com/r/{row['id']}"
        if "call" in row and row["status"] == answered:
            assert row["call"]["talkTime"] > 0
        if "call" in row and row["status"] in ("sent", "delivered"):
            assert row["call"]["talkTime"] == 0
    assert any("message" in row.get("enrichment", {}) for row in rows)
    assert any("." in row["createdAt"] for row in rows)
    assert any("." not in row["createdAt"] for row in rows)
    whatsapp = [
        [contact["type"] for contact in row["sender"].get("contacts", [])] for row in rows if row.get("responseLink")
    ]
    assert any("whatsappUsername" in types and "phone" not in types for types in whatsapp)
    assert any("name" not in row["sender"] for row in rows)
    assert any("from_agent" in row["tags"] for row in rows)
    assert any(row["entityType"] == "listing" and "listing" not in row for row in rows)


def test_no_person_looks_real(filtering: Caller) -> None:
    text = json.dumps([filtering.leads(), filtering.get("/v1/users?perPage=100").json()], ensure_ascii=False)
    phones = set(re.findall(r"\+\d+", text))
    assert len(phones) > 500
    assert all(re.fullmatch(r"\+97150000\d{4}|\+9715555\d{5}", phone) for phone in phones)
    emails = set(re.findall(r"[^\s\"@]+@[^\s\"]+", text))
    assert len(emails) > 100
    assert all(re.fullmatch(r"[a-z.0-9]+@example\.(com|org)", email) for email in emails)
    hosts = {urlsplit(url).hostname for url in re.findall(r"https?://[^\s\"]+", text)}
    assert hosts == {"example.com"}
    names = {row["sender"]["name"] for row in filtering.leads() if "name" in row["sender"]}
    surnames = {name.split(" ")[-1] for name in names}
    assert len(names) > 200
    assert len(surnames) <= 22


def test_every_word_of_a_dialect_has_a_planted_value(visible: list[Lead]) -> None:
    for dialect in DIALECTS:
        assert {lead.channel for lead in visible} == set(CHANNELS[dialect])
        assert {lead.entity_type for lead in visible} == set(ENTITY_TYPES[dialect])
