"""Each filter of either dialect returns exactly the planted rows that it should."""

from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from leadlib.sandbox import Truth
from leadlib.sandbox.lead import Lead
from leadlib.sandbox.settings import Dialect
from leadlib.sandbox.wire import lead_sender, lead_status, lead_tags
from tests.sandbox.conftest import NOW, Caller, caller

Test = Callable[[Lead], bool]


def _stage_words(words: dict[str, str], has_archived: bool) -> Callable[[Lead], str]:
    def word(lead: Lead) -> str:
        stage = lead.stage_at(NOW)
        if stage == "archived" and not has_archived:
            stage = [name for name, at in lead.transitions if name != "archived" and at <= NOW][-1]
        return words[stage]

    return word


FILTER_STATUS = _stage_words(
    {"sent": "sent", "delivered": "sent", "opened": "opened", "responded": "responded", "archived": "archived"}, True
)
FLAT_STATUS = _stage_words({"sent": "sent", "delivered": "delivered", "opened": "read", "responded": "replied"}, False)

FILTER_CASES: list[tuple[str, str, Test]] = [
    ("filter[status]", "sent", lambda lead: FILTER_STATUS(lead) == "sent"),
    ("filter[status]", "opened,responded", lambda lead: FILTER_STATUS(lead) in ("opened", "responded")),
    ("filter[status]", "archived", lambda lead: FILTER_STATUS(lead) == "archived"),
    ("filter[type]", "chat", lambda lead: lead.channel == "chat"),
    ("filter[type]", "call,email", lambda lead: lead.channel in ("call", "email")),
    ("filter[entityType]", "publicProfile", lambda lead: lead.entity_type in ("publicProfile", "company")),
    ("filter[assignedToId]", "90004,90021", lambda lead: lead.agent_id in (90_004, 90_021)),
]
FLAT_CASES: list[tuple[str, list[str], Test]] = [
    ("status", ["read", "delivered"], lambda lead: FLAT_STATUS(lead) in ("read", "delivered")),
    ("status", ["replied"], lambda lead: FLAT_STATUS(lead) == "replied"),
    ("channel", ["whatsapp"], lambda lead: lead.channel in ("whatsapp", "chat")),
    ("entityType", ["agent", "company"], lambda lead: lead.entity_type in ("publicProfile", "company")),
    ("publicProfileId", ["90004", "90021"], lambda lead: lead.agent_id in (90_004, 90_021)),
    ("listingCategory", ["commercial"], lambda lead: bool(lead.listing and lead.listing.category == "commercial")),
    ("listingOffering", ["sale"], lambda lead: bool(lead.listing and lead.listing.offering == "sale")),
    ("tag", ["hot", "from_agent"], lambda lead: bool({"hot", "from_agent"} & set(lead_tags(lead)))),
    ("excludeTag", ["hot"], lambda lead: "hot" not in lead_tags(lead)),
]


@pytest.mark.parametrize(("name", "value", "holds"), FILTER_CASES, ids=[f"{n} {v}" for n, v, _ in FILTER_CASES])
def test_filter_dialect_returns_exactly_the_planted_rows(filtering: Caller, name: str, value: str, holds: Test) -> None:
    expected = [lead.id for lead in filtering.portal.truth.visible(NOW) if holds(lead)]
    found = [row["id"] for row in filtering.leads(f"{name}={value}")]
    assert found == expected[::-1]
    assert 0 < len(found) < len(filtering.portal.truth.visible(NOW))


@pytest.mark.parametrize(("name", "values", "holds"), FLAT_CASES, ids=[f"{n} {v}" for n, v, _ in FLAT_CASES])
def test_flat_dialect_returns_exactly_the_planted_rows(flat: Caller, name: str, values: list[str], holds: Test) -> None:
    expected = [lead.id for lead in flat.portal.truth.visible(NOW) if holds(lead)]
    found = [row["id"] for row in flat.leads("&".join(f"{name}={value}" for value in values))]
    assert found == expected[::-1]
    assert 0 < len(found) < len(flat.portal.truth.visible(NOW))


@pytest.mark.parametrize("name", ["filter[listingReference]", "filter[projectId]"])
def test_filter_dialect_finds_things_by_comma_lists(filtering: Caller, name: str) -> None:
    def key(lead: Lead) -> str | None:
        if name == "filter[projectId]":
            return lead.project and lead.project.id
        return lead.listing and lead.listing.reference

    visible = filtering.portal.truth.visible(NOW)
    common = [value for value, _ in Counter(filter(None, map(key, visible))).most_common(6) if "," not in value][:2]
    found = filtering.leads(f"{name}={','.join(common)}")
    assert {row["id"] for row in found} == {lead.id for lead in visible if key(lead) in common}
    assert found


FLAT_KEYS: dict[str, Callable[[Lead], str | None]] = {
    "id": lambda lead: lead.id,
    "listingId": lambda lead: lead.listing and lead.listing.id,
    "listingReference": lambda lead: lead.listing and lead.listing.reference,
    "projectId": lambda lead: lead.project and lead.project.id,
    "developerId": lambda lead: lead.developer and lead.developer.id,
    "senderName": lambda lead: lead_sender(lead, 7).name,
    "senderPhone": lambda lead: lead_sender(lead, 7).phone,
    "senderEmail": lambda lead: lead_sender(lead, 7).email,
    "senderWhatsappUsername": lambda lead: lead_sender(lead, 7).username,
}


@pytest.mark.parametrize("name", FLAT_KEYS)
def test_flat_dialect_finds_things_by_repeated_names(flat: Caller, name: str) -> None:
    key = FLAT_KEYS[name]
    visible = flat.portal.truth.visible(NOW)
    common = [value for value, _ in Counter(filter(None, map(key, visible))).most_common(2)]
    rows = flat.leads(str(httpx.QueryParams([(name, value) for value in common])))
    assert {row["id"] for row in rows} == {lead.id for lead in visible if key(lead) in common}
    assert rows


def test_reference_with_a_comma_cannot_be_asked_for_in_the_filter_dialect(truth: Truth) -> None:
    odd = next(listing.reference for listing in truth.listings if "," in listing.reference)
    reader = caller(n_leads=3_000)
    assert any(lead.listing and lead.listing.reference == odd for lead in reader.portal.truth.visible(NOW))
    assert reader.get("/v1/leads", params={"filter[listingReference]": odd}).json()["data"] == []


def test_search_looks_into_senders_and_references(flat: Caller) -> None:
    visible = flat.portal.truth.visible(NOW)
    lead = next(lead for lead in visible if lead.listing and len(lead.listing.reference) > 3)
    assert lead.listing is not None
    for text in (lead.listing.reference.lower(), (lead_sender(lead, 7).phone or "x")[-8:]):
        assert lead.id in {row["id"] for row in flat.leads(f"search={text}")}
    assert flat.leads("search=nobodyhasthis") == []


def test_filters_combine_by_and(flat: Caller) -> None:
    rows = flat.leads("channel=call&status=replied&createdAtFrom=2026-10-15T00:00:00Z")
    assert rows
    assert {(row["channel"], row["status"]) for row in rows} == {("call", "replied")}
    assert all(row["createdAt"] >= "2026-10-15" for row in rows)


def test_flat_dialect_sorts_by_creation_either_way_and_the_filter_dialect_only_newest_first(
    filtering: Caller, flat: Caller
) -> None:
    ids = [lead.id for lead in flat.portal.truth.visible(NOW)]
    ascending = "orderBy=createdAt&orderDirection=asc"
    assert [row["id"] for row in flat.leads(ascending)] == ids
    assert [row["id"] for row in flat.leads(f"{ascending}&channel=call")] == [i for i in ids if i.startswith("call")]
    assert [row["id"] for row in flat.leads("orderBy=createdAt&orderDirection=desc")] == ids[::-1]
    assert flat.get("/v1/leads?orderDirection=up").status_code == 400
    assert filtering.page(ascending)["data"][0]["id"] == ids[-1]


def test_filtered_pass_walks_over_the_leads_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = caller(dialect="flat", n_leads=500)
    looked_at: list[Lead] = []

    def counting(lead: Lead, at_ms: int, dialect: Dialect) -> str:
        looked_at.append(lead)
        return lead_status(lead, at_ms, dialect)

    monkeypatch.setattr("leadlib.sandbox.selection.lead_status", counting)
    n_pages = len(list(reader.pages("status=read&status=delivered&perPage=7")))
    assert n_pages > 10
    assert len(looked_at) == len(reader.portal.truth.visible(NOW))
