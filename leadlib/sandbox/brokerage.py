"""The planted house: its agents, listings, projects, developers and places, all from the seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from leadlib.sandbox import rhythm
from leadlib.sandbox.people import mixed, person_phone

N_SEATS: Final = 24
QUIET_SEAT: Final = 22
"""The seat of the agent who gets about seven leads a quarter."""
REVOLVING_SEAT: Final = 23
"""The seat whose holder leaves once a season and is followed by somebody new."""
AUTO_RESPONDER_SEAT: Final = 5
N_LISTINGS: Final = 260
IGNORED_LISTING: Final = 17
"""The place in the list of the popular listing that is hardly ever answered."""

CHANNEL_MIX: Final[Mapping[str, float]] = MappingProxyType(
    {"whatsapp": 0.52, "call": 0.27, "email": 0.14, "chat": 0.07}
)
DELAY_SIGMA: Final = 1.4


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent with his planted habits.

    `propensities` is, by channel, the probability that a lead is ever answered (a call: that it is taken);
    `median_delays` the median minutes to the answer of those that are, lognormal with `delay_sigma`. The auto-responder
    answers WhatsApp within a minute instead. `joined_on` and `left_on` are Dubai days; None means from ever, for ever;
    on `left_on` he is already gone. `active` holds at the instant for which the agent was asked.
    """

    id: int
    user_id: int
    first_name: str
    last_name: str
    email: str
    phone: str
    propensities: Mapping[str, float]
    median_delays: Mapping[str, float]
    delay_sigma: float = DELAY_SIGMA
    is_auto_responder: bool = False
    joined_on: date | None = None
    left_on: date | None = None
    active: bool = True

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def response_propensity(self) -> float:
        """The probability of an answer over the planted mix of channels."""
        return sum(share * self.propensities[channel] for channel, share in CHANNEL_MIX.items())

    @property
    def median_delay_minutes(self) -> float:
        """The planted median minutes to an answered WhatsApp lead."""
        return self.median_delays["whatsapp"]


@dataclass(frozen=True, slots=True)
class Developer:
    id: str
    name_en: str
    name_ar: str


@dataclass(frozen=True, slots=True)
class Place:
    id: int
    name_en: str
    name_ar: str
    emirate: str


@dataclass(frozen=True, slots=True)
class Project:
    id: str
    title_en: str
    title_ar: str
    developer: Developer
    place: Place
    starting_price: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A property on the portal. `seat` says which desk it belongs to, `stage` is live, draft or archived."""

    id: str
    reference: str
    title_en: str
    title_ar: str
    type: str
    category: str
    offering: str
    price_type: str
    price: int
    bedrooms: str
    bathrooms: str
    size: int
    place: Place
    seat: int
    stage: str
    created_on: date
    weight: float


_NAMES: Final = (
    ("Faris", "Almithali"), ("ليلى", "المثالي"), ("Nora", "Placeholder"), ("Omar", "Altajribi"), ("Ines", "Beispiel"),
    ("Robin", "Autoreply"), ("سارة", "النموذجي"), ("Karim", "Aliftiradi"), ("Maya", "Sample"), ("Hadi", "Alnamudhaji"),
    ("خالد", "التجريبي"), ("Tomas", "Primerov"), ("Lucia", "Ejemplo"), ("Rami", "Almuhtalaq"), ("Anya", "Madeup"),
    ("Zara", "Invented"), ("يوسف", "الافتراضي"), ("Dev", "Namuna"), ("Salma", "Almustaar"), ("Paolo", "Esempio"),
    ("Hind", "Altajribi"), ("منى", "المستعار"), ("Quentin", "Rarely"),
)  # fmt: skip
_REVOLVING_NAMES: Final = (
    ("Jad", "Aliftiradi"), ("Clara", "Exemple"), ("ماجد", "المختلق"), ("Nils", "Testperson"), ("Reem", "Almithali"),
)  # fmt: skip
_DEVELOPERS: Final = (
    ("Sample Sands Developments", "رمال النموذج للتطوير"), ("Mithal Properties", "مثال العقارية"),
    ("Placeholder Estates", "عقارات المكان المحجوز"), ("Tajriba Homes", "منازل تجربة"),
    ("Fiction Bay Group", "مجموعة خليج الخيال"),
)  # fmt: skip
_PLACES: Final = (
    (1101, "Sample Marina", "مرسى النموذج", "dubai"), (1102, "Example Downtown", "وسط المدينة المثال", "dubai"),
    (1103, "Fiction Hills", "تلال الخيال", "dubai"), (1104, "Placeholder Village", "قرية المكان المحجوز", "dubai"),
    (1105, "Mithal Creek", "خور مثال", "dubai"), (1106, "Invented Palm", "نخلة مختلقة", "dubai"),
    (1107, "Namuna Lakes", "بحيرات نمونة", "dubai"), (1108, "Tajriba Business Quarter", "حي الأعمال تجربة", "dubai"),
    (1201, "Example Island", "جزيرة المثال", "abu_dhabi"),
    (1301, "Sample Corniche", "كورنيش النموذج", "northern_emirates"),
)  # fmt: skip
_PROJECTS: Final = (
    ("Fiction Hills Residences", "مساكن تلال الخيال", 0, 2, 1_150_000),
    ("Mithal Creek Towers", "أبراج خور مثال", 1, 4, 1_680_000),
    ("Sample Marina Heights", "مرتفعات مرسى النموذج", 0, 0, 2_050_000),
    ("Placeholder Gardens", "حدائق المكان المحجوز", 2, 3, 980_000),
    ("Invented Palm Villas", "فلل النخلة المختلقة", 4, 5, 6_900_000), ("Tajriba One", "تجربة ون", 3, 7, 1_320_000),
    ("Namuna Lakeside", "ضفاف نمونة", 3, 6, 1_490_000), ("Example Island Bay", "خليج جزيرة المثال", 1, 8, 2_400_000),
    ("Fiction Bay Lofts", "لوفت خليج الخيال", 4, 1, 890_000),
)  # fmt: skip
# English and Arabic words, weight, category, yearly rent and sale price per bedroom (or per unit), square feet.
_TYPES: Final = (
    ("apartment", "apartment", "شقة", 58, "residential", 62_000, 850_000, 720),
    ("villa", "villa", "فيلا", 16, "residential", 78_000, 1_350_000, 1_150),
    ("townhouse", "townhouse", "تاون هاوس", 11, "residential", 60_000, 900_000, 850),
    ("penthouse", "penthouse", "بنتهاوس", 3, "residential", 120_000, 2_400_000, 1_200),
    ("office-space", "office", "مكتب", 8, "commercial", 110_000, 1_500_000, 1_100),
    ("shop", "shop", "محل", 4, "commercial", 140_000, 1_900_000, 900),
)  # fmt: skip
_EXTRAS: Final = (
    ("sea view", "إطلالة على البحر"), ("near the metro", "قرب المترو"), ("upgraded kitchen", "مطبخ مجدد"),
    ("ready to move in", "جاهز للسكن"), ("high floor", "طابق مرتفع"), ("vacant now", "شاغر الآن"),
    ("with a maid's room", "مع غرفة خادمة"),
)  # fmt: skip
_ULID_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Brokerage:
    """Everything about the house that does not depend on single leads.

    `listings`, `projects`, `developers`, `places` are fixed by the seed; who sits in a seat depends on the day.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        rng = random.Random(f"{seed}:brokerage")
        self.places = tuple(Place(*row) for row in _PLACES)
        self.developers = tuple(Developer(_uuid(rng), en, ar) for en, ar in _DEVELOPERS)
        self.projects = tuple(
            Project(_uuid(rng), en, ar, self.developers[maker], self.places[place], price)
            for en, ar, maker, place, price in _PROJECTS
        )
        self._permanent = self._permanent_agents(rng)
        self.listings = tuple(self._listing(rng, place) for place in range(N_LISTINGS))
        self._revolving = lru_cache(maxsize=64)(self._revolving_agent)

    def agent(self, seat: int, day: int) -> Agent:
        """Who sits in a seat on a Dubai day."""
        if seat != REVOLVING_SEAT:
            return self._permanent[seat]
        return self._revolving(rhythm.season_of(day - rhythm.DEPARTURE_DAY)[0])

    def agents_between(self, first_day: int, last_day: int) -> tuple[Agent, ...]:
        """Everybody who had a seat on any of the days, ends included, by id."""
        first = rhythm.season_of(first_day - rhythm.DEPARTURE_DAY)[0]
        last = rhythm.season_of(last_day - rhythm.DEPARTURE_DAY)[0]
        return self._permanent + tuple(self._revolving(season) for season in range(first, last + 1))

    def _permanent_agents(self, rng: random.Random) -> tuple[Agent, ...]:
        n_agents = N_SEATS - 1
        propensities = [0.38 + 0.52 * (place / (n_agents - 1)) ** 0.8 for place in range(n_agents)]
        medians = [8.0 * 90 ** (place / (n_agents - 1)) for place in range(n_agents)]
        rng.shuffle(propensities)
        rng.shuffle(medians)
        return tuple(
            _agent(90_001 + seat, _NAMES[seat], propensities[seat], medians[seat], seat == AUTO_RESPONDER_SEAT)
            for seat in range(n_agents)
        )

    def _revolving_agent(self, season: int) -> Agent:
        """The one who comes on the departure day of `season` and leaves on that of the next."""
        joined = rhythm.SEASON_ZERO + season * rhythm.SEASON_DAYS + rhythm.DEPARTURE_DAY
        die = mixed(self.seed, season, 11)
        return _agent(
            90_500 + season,
            _REVOLVING_NAMES[season % len(_REVOLVING_NAMES)],
            0.45 + die % 1000 / 1000 * 0.35,
            15 + (die >> 16) % 120,
            joined_on=date.fromordinal(joined),
            left_on=date.fromordinal(joined) + timedelta(days=rhythm.SEASON_DAYS),
        )

    def _listing(self, rng: random.Random, place: int) -> Listing:
        kind, word_en, word_ar, _, category, rent, sale, feet = rng.choices(_TYPES, [row[3] for row in _TYPES])[0]
        offering = "rent" if rng.random() < 0.55 else "sale"
        rooms = rng.choices((0, 1, 2, 3, 4, 5), (2, 5, 6, 4, 2, 1))[0] if category == "residential" else 0
        if kind in ("villa", "townhouse", "penthouse"):
            rooms = max(rooms, 2)
        where = rng.choice(self.places)
        extra_en, extra_ar = rng.choice(_EXTRAS)
        base = (rent if offering == "rent" else sale) * max(rooms, 1) * rng.lognormvariate(0, 0.25)
        letter = "R" if offering == "rent" else "S"
        plain = f"LL-{letter}-{1000 + place}"
        reference = {40: "-", 90: f"{plain}/", 140: f"{plain},B"}.get(place, plain)
        price_type = "sale" if offering == "sale" else rng.choices(("yearly", "monthly"), (9, 1))[0]
        size_en = f"{rooms} bedroom " if rooms else ("studio " if category == "residential" else "")
        what_en = f"{size_en}{word_en}"
        offering_ar = "للإيجار" if offering == "rent" else "للبيع"
        size_ar = f"{rooms} غرف " if rooms else ""
        stage = rng.choices(("live", "archived", "draft"), (86, 11, 3))[0]
        seat = 2 if place == IGNORED_LISTING else rng.choices(range(N_SEATS), _SEAT_WEIGHTS)[0]
        return Listing(
            id="01J" + "".join(rng.choices(_ULID_LETTERS, k=23)),
            reference=reference,
            title_en=f"{what_en[0].upper()}{what_en[1:]} for {offering} in {where.name_en}, {extra_en}",
            title_ar=f"{word_ar} {size_ar}{offering_ar} في {where.name_ar}، {extra_ar}",
            type=kind,
            category=category,
            offering=offering,
            price_type=price_type,
            price=1_000 * max(1, round(base / (12_000 if price_type == "monthly" else 1_000))),
            bedrooms="studio" if rooms == 0 and category == "residential" else str(rooms),
            bathrooms=str(max(1, rooms)),
            size=round(feet * max(rooms, 1) * rng.uniform(0.85, 1.2)),
            place=where,
            seat=seat,
            stage="live" if place == IGNORED_LISTING else stage,
            created_on=date.fromordinal(rhythm.SEASON_ZERO - rng.randrange(100, 500)),
            weight=10.0 if place == IGNORED_LISTING else min(6.0, rng.lognormvariate(0, 0.8)),
        )


# Desks differ in size. The quiet one has no listing: its few leads come by the agent's own page.
_SEAT_WEIGHTS: Final = tuple(0.0 if seat == QUIET_SEAT else 0.6 + seat * 7 % 11 / 8 for seat in range(N_SEATS))


def _agent(
    agent_id: int,
    name: tuple[str, str],
    propensity: float,
    median_minutes: float,
    is_auto_responder: bool = False,
    joined_on: date | None = None,
    left_on: date | None = None,
) -> Agent:
    propensities = {
        "whatsapp": 0.99 if is_auto_responder else propensity,
        "chat": propensity,
        "email": propensity * 0.8,
        "call": min(0.95, 0.22 + 0.7 * propensity),
    }
    delays = {
        "whatsapp": 0.45 if is_auto_responder else median_minutes,
        "chat": median_minutes * 0.7,
        "email": median_minutes * 4,
        "call": 0.0,
    }
    return Agent(
        id=agent_id,
        user_id=agent_id - 50_000,
        first_name=name[0],
        last_name=name[1],
        email=f"agent.{agent_id}@example.com",
        phone=person_phone(agent_id),
        propensities=MappingProxyType(propensities),
        median_delays=MappingProxyType(delays),
        is_auto_responder=is_auto_responder,
        joined_on=joined_on,
        left_on=left_on,
    )


def _uuid(rng: random.Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"
