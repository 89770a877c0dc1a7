"""How a sandbox is set up, and the key pair that opens it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

from leadlib.sandbox.faults import FAULTS, options_fault

Dialect = Literal["filter", "flat"]

API_KEY: Final = "SANDB." + "notARealKeyOnlyForTheSandbox000001"
"""The shape of a portal key (5, a dot, 34), plainly invented."""
API_SECRET: Final = "sandbox-secret-not-a-real-one-01"
"""The shape of a portal secret (32), plainly invented."""

SCOPES: Final = frozenset({
    "leads:read", "users:read", "listings:read", "projects:read", "locations:read", "webhooks:full_access",
    "statistics:read",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """One sandbox. Raises ValueError, naming the field, for a value that no sandbox can have.

    `n_leads` is about how many leads the three-month window shows. `frozen_at` holds the portal's clock still; None
    lets it run. `bounds_created_to` says whether createdAtTo is honoured; None means in the flat dialect only.
    `strict` answers 400 for unknown query names instead of ignoring them. `latency_s` is added to every call;
    `call_takes_s` is what every data call moves a clock that is held. `fault_options` sets options of the faults that
    are switched on, such as {"deletes.every": 7}; FAULT_OPTIONS has them all with their bounds.
    """

    dialect: Dialect = "filter"
    n_leads: int = 12_000
    seed: int = 7
    frozen_at: datetime | None = None
    calls_per_minute: int = 650
    token_calls_per_minute: int = 60
    token_life_s: int = 1800
    scopes: frozenset[str] = SCOPES
    faults: frozenset[str] = frozenset()
    strict: bool = False
    bounds_created_to: bool | None = None
    latency_s: float = 0
    call_takes_s: float = 0
    fault_options: Mapping[str, int] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.dialect not in get_args(Dialect):
            raise ValueError(f"dialect must be one of {', '.join(get_args(Dialect))}, got {self.dialect!r}")
        if not 0 <= self.n_leads <= 5_000_000:
            raise ValueError(f"n_leads must be between 0 and 5,000,000, got {self.n_leads}")
        if self.frozen_at is not None and self.frozen_at.tzinfo is None:
            raise ValueError(f"frozen_at needs a time zone, got {self.frozen_at.isoformat()}")
        if unknown := self.faults - FAULTS.keys():
            raise ValueError(f"unknown faults {', '.join(sorted(unknown))}; known are {', '.join(FAULTS)}")
        if wrong := options_fault(self.fault_options, self.faults):
            raise ValueError(f"fault_options: {wrong}")
        if not 0 <= self.call_takes_s <= 3600:
            raise ValueError(f"call_takes_s must be between 0 and 3600, got {self.call_takes_s}")
        if unknown := self.scopes - SCOPES:
            raise ValueError(f"unknown scopes {', '.join(sorted(unknown))}; known are {', '.join(sorted(SCOPES))}")

    @property
    def is_created_to_honoured(self) -> bool:
        return self.dialect == "flat" if self.bounds_created_to is None else self.bounds_created_to
