"""Badge rules: by which figures, from which day on, and when the portal grades agents, as the account has set it.

No document of the portal gives its thresholds. EXAMPLE is an example, to be checked against what the portal asks today;
a file of one's own (`LEADLIB_BADGE_RULES`, see docs/badges.md) takes its place.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

Figure = Literal["share_answered", "whatsapp_minutes", "leads"]
FIGURES: tuple[Figure, ...] = get_args(Figure)
Evaluated = Literal["daily", "weekly", "monthly"]

LONGEST_WINDOW_DAYS = 365

# The bound that each figure takes, how large it may be, and what it is divided by to be a threshold.
_BOUNDS: Mapping[Figure, tuple[str, int, int]] = {
    "share_answered": ("at_least", 100, 100),
    "whatsapp_minutes": ("at_most", 43_200, 1),
    "leads": ("at_least", 100_000, 1),
}


@dataclass(frozen=True)
class BadgeRule:
    """One rule, in force from `valid_from` until a later one for the same figure.

    share_answered must reach `threshold` (a share) of the leads of the last `window_days` days, leads their number, and
    whatsapp_minutes, the mean time to a WhatsApp reply, may not be above it.
    """

    figure: Figure
    valid_from: date
    threshold: float
    window_days: int


@dataclass(frozen=True)
class BadgeRules:
    """All rules, and when the portal grades: every day, on Mondays, or on the first of each month."""

    rules: tuple[BadgeRule, ...]
    evaluated: Evaluated
    is_example: bool = False

    def in_force(self, figure: Figure, on: date) -> BadgeRule | None:
        """The rule for a figure on a day; None if there is none yet."""
        valid = [rule for rule in self.rules if rule.figure == figure and rule.valid_from <= on]
        return max(valid, key=lambda rule: rule.valid_from, default=None)

    def next_evaluation(self, today: date) -> date:
        """The first day after `today` on which the portal grades, by all days before it."""
        if self.evaluated == "monthly":
            return (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        return today + timedelta(days=7 - today.weekday() if self.evaluated == "weekly" else 1)


EXAMPLE = BadgeRules(
    (
        BadgeRule("share_answered", date(2026, 1, 1), 0.7, 60),
        BadgeRule("whatsapp_minutes", date(2026, 1, 1), 240, 60),
        BadgeRule("leads", date(2026, 1, 1), 20, 60),
    ),
    "monthly",
    is_example=True,
)


def load_badge_rules(path: Path) -> BadgeRules:
    """The rules in a TOML file. Raises ValueError, which says what a file of rules has and where this one differs."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"a file of badge rules; {path} cannot be read") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"a TOML file of badge rules; {path.name} is none: {error}") from error
    rules = content.pop("rule", [])
    evaluated = content.pop("evaluated", "monthly")
    if evaluated not in get_args(Evaluated):
        raise ValueError(f"a file whose “evaluated” is one of {', '.join(get_args(Evaluated))}")
    if content:
        raise ValueError(f"a file of “evaluated” and [[rule]] tables, without “{next(iter(content))}”")
    if not isinstance(rules, list) or not rules:
        raise ValueError("a file with a [[rule]] table or more")
    parsed = tuple(_rule(place, table) for place, table in enumerate(rules, 1))
    dated = [(rule.figure, rule.valid_from) for rule in parsed]
    twice = next((pair for pair in dated if dated.count(pair) > 1), None)
    if twice:
        raise ValueError(f"a file with one rule a day for each figure; {twice[0]} has two from {twice[1]} on")
    return BadgeRules(parsed, evaluated)


def _rule(place: int, table: dict[str, Any]) -> BadgeRule:
    where = f"a file of badge rules; rule {place}"
    figure = table.get("figure")
    if figure not in FIGURES:
        raise ValueError(f"{where} needs a “figure” that is one of {', '.join(FIGURES)}")
    bound, most, divisor = _BOUNDS[figure]
    strange = [key for key in table if key not in {"figure", "valid_from", "window_days", bound}]
    if strange:
        raise ValueError(f"{where} takes figure, valid_from, window_days and {bound}, not “{strange[0]}”")
    valid_from, threshold, window_days = table.get("valid_from"), table.get(bound), table.get("window_days", 60)
    if not isinstance(valid_from, date) or isinstance(valid_from, datetime):
        raise ValueError(f"{where} needs a “valid_from” such as 2026-01-01, without quotes")
    if not isinstance(threshold, (int, float)) or isinstance(threshold, bool) or not 0 <= threshold <= most:
        raise ValueError(f"{where} needs an “{bound}” from 0 to {most}")
    if not isinstance(window_days, int) or isinstance(window_days, bool) or not 1 <= window_days <= LONGEST_WINDOW_DAYS:
        raise ValueError(f"{where} needs “window_days” from 1 to {LONGEST_WINDOW_DAYS}")
    return BadgeRule(figure, valid_from, threshold / divisor, window_days)
