"""What a fault is: the hooks it may override, its options, and the table in which it is entered.

A fault is one row: a class under `@fault(name, sentence, option=Option(...))` that overrides the hooks it needs. Hooks
are called in the order in which they stand in `Fault`; every portal makes its own instances, so counters and dice start
afresh with it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from leadlib.sandbox.lead import Lead

if TYPE_CHECKING:
    from leadlib.sandbox.query import LeadQuery
    from leadlib.sandbox.truth import Truth


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire. `is_cut` means that the connection is closed after half of the body.

    `parts`, where given, is sent in place of the body: (bytes, seconds to wait after them), made while it is sent.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False
    parts: Iterator[tuple[bytes, float]] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A data call that a fault looks at: its path, query and second, and the id of its token (None: no valid one)."""

    path: str
    query: str
    token_id: str | None
    at: datetime

    @property
    def is_for_leads(self) -> bool:
        return self.path == "/v1/leads"


@dataclass(frozen=True, slots=True)
class Option:
    """A whole number that a fault can be given: its default, and its bounds, both included."""

    default: int
    least: int
    most: int


EVERY: Final = Option(5, 1, 1_000_000)
"""How many calls make a turn of a fault that happens once in a while."""

Event = dict[str, Any]
"""The body of a webhook delivery."""


class Fault:
    """The hooks, each doing nothing. Refuse by raising `ProblemError`. `options` holds a value for each option."""

    is_reordering = False
    """True when `order_key` does something."""

    def __init__(self, rng: random.Random, options: Mapping[str, int]) -> None:
        self.rng = rng
        self.options = options
        self._n_asked = 0

    def is_its_turn(self) -> bool:
        """True at each `every`-th time that it is asked."""
        self._n_asked += 1
        return self._n_asked % self.options["every"] == 0

    def window_start(self, planned: datetime, at: datetime) -> datetime:
        """The oldest createdAt that the portal shows and takes at `at`."""
        return planned

    def appears_ms(self, lead: Lead) -> int | None:
        """When a planted lead first shows, where that is later than its creation; None: at once."""
        return None

    def readable_id(self, lead_id: str | None, lead: Lead) -> str | None:
        """The id by which a reader of a lead's row knows it; None: the row is no lead."""
        return lead_id

    def plant(self, truth: Truth) -> None:
        """Once, before the first call: plant into the truth, or keep it for later."""

    def token_life_s(self, planned_s: int) -> int:
        """Seconds that a new token lives."""
        return planned_s

    def before_token(self) -> None:
        """Before a token call is looked at."""

    def before_data(self, call: Call) -> None:
        """Before a data call whose token is in order is answered."""

    def change_query(self, query: LeadQuery) -> LeadQuery:
        """The query that is answered in place of the one asked; the pagination goes on speaking of the latter."""
        return query

    def order_key(self, key_ms: float, lead: Lead, at_ms: int) -> float:
        """What leads are sorted by, highest first; `key_ms` is createdAt, or what an earlier fault made of it."""
        return key_ms

    def change_lead(self, row: dict[str, Any], lead: Lead) -> None:
        """Change one row of a page of leads in place."""

    def change_page(self, page: dict[str, Any], query: LeadQuery) -> None:
        """Change the body of a page of leads in place; `query` is the one answered."""

    def change_answer(self, answer: Answer, call: Call) -> Answer:
        """The answer to a data call as it leaves the portal."""
        return answer

    def change_subscription(self, subscription: dict[str, str]) -> None:
        """Change what the portal says of a new subscription (eventId, url, createdAt) in place."""

    def change_events(self, events: list[Event], old_event: Callable[[], Event | None]) -> list[Event]:
        """The events that are sent now in place of those that are due; `old_event` makes one of a month ago, if any."""
        return events

    def date(self, at: datetime) -> datetime:
        """What the Date header of any answer says."""
        return at


_CLASSES: Final[dict[str, type[Fault]]] = {}
_SENTENCES: Final[dict[str, str]] = {}
_OPTIONS: Final[dict[str, Option]] = {}

FAULTS: Final[Mapping[str, str]] = MappingProxyType(_SENTENCES)
"""Every switch by name, with what it does, its options at their defaults, in one sentence."""

FAULT_OPTIONS: Final[Mapping[str, Option]] = MappingProxyType(_OPTIONS)
"""Every option as `fault.option`."""


def fault(name: str, sentence: str, **options: Option) -> Callable[[type[Fault]], type[Fault]]:
    """Enter a class into the table under a name."""

    def enter(cls: type[Fault]) -> type[Fault]:
        _CLASSES[name] = cls
        _SENTENCES[name] = sentence
        _OPTIONS.update((f"{name}.{option}", value) for option, value in options.items())
        return cls

    return enter


def switched_on(names: Iterable[str], seed: int, given: Mapping[str, int]) -> tuple[Fault, ...]:
    """Fresh instances of the named faults, in the order of `FAULTS`, with dice that follow from the seed."""
    chosen = set(names)
    return tuple(
        cls(random.Random(f"{seed}:{name}"), _options_of(name, given))
        for name, cls in _CLASSES.items()
        if name in chosen
    )


def _options_of(name: str, given: Mapping[str, int]) -> Mapping[str, int]:
    whole = {full: given.get(full, option.default) for full, option in _OPTIONS.items()}
    return {full.partition(".")[2]: value for full, value in whole.items() if full.partition(".")[0] == name}


def options_fault(given: Mapping[str, int], names: Iterable[str]) -> str | None:
    """What is wrong with options given to the named faults, in words; None: nothing."""
    known = [full for full in _OPTIONS if full.partition(".")[0] in names]
    for full, value in given.items():
        if full not in known:
            return f"{full} is no option of the faults switched on; those are {', '.join(known) or 'none'}"
        option = _OPTIONS[full]
        if not option.least <= value <= option.most:
            return f"{full} must be between {option.least:,} and {option.most:,}, got {value}"
    return None
