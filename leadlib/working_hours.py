"""Working hours: when in a week somebody is there to answer, told per weekday on the clock of the account's zone.

Public holidays are not known here: they count as what their weekday is.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = "|".join(_DAYS)
_PART = re.compile(rf"({_DAY})(?:-({_DAY}))? ([0-9]{{2}}):([0-9]{{2}})-([0-9]{{2}}):([0-9]{{2}})")
_FORM = "hours such as Mon-Fri 09:00-19:00, Sat 10:00-16:00"
_MIDNIGHT = 24 * 60


@dataclass(frozen=True)
class WorkingHours:
    """Per weekday, Monday first, the stretches of work as (from, to) in minutes after midnight; at least one a week."""

    days: tuple[tuple[tuple[int, int], ...], ...]

    def __str__(self) -> str:
        """The hours as a setting has them: "Mon-Fri 09:00-19:00, Sat 10:00-16:00"."""
        groups: list[tuple[int, int]] = []
        for day, stretches in enumerate(self.days):
            if groups and stretches == self.days[groups[-1][0]]:
                groups[-1] = (groups[-1][0], day)
            else:
                groups.append((day, day))
        parts = []
        for first, last in groups:
            name = _DAYS[first] if first == last else f"{_DAYS[first]}-{_DAYS[last]}"
            parts += [f"{name} {_clock(begin)}-{_clock(end)}" for begin, end in self.days[first]]
        return ", ".join(parts)

    @property
    def minutes_per_week(self) -> int:
        return sum(end - begin for stretches in self.days for begin, end in stretches)


def working_hours(text: str) -> WorkingHours:
    """Hours from text as in `WorkingHours.__str__`; a day may come more than once, a range may run over Sunday.

    Raises ValueError, which says what is accepted.
    """
    days: list[list[tuple[int, int]]] = [[] for _ in _DAYS]
    for part in text.split(","):
        found = _PART.fullmatch(" ".join(part.split()))
        if found is None:
            raise ValueError(_FORM)
        first = _DAYS.index(found[1])
        n_days = (_DAYS.index(found[2] or found[1]) - first) % 7 + 1
        begin, end = (int(found[i]) * 60 + int(found[i + 1]) for i in (3, 5))
        if int(found[4]) > 59 or int(found[6]) > 59 or end > _MIDNIGHT:
            raise ValueError(f"{_FORM}: {found[0]} holds no time of day")
        if begin >= end:
            raise ValueError(f"{_FORM}: {found[0]} ends before it begins (write a night as two parts, to 24:00 and on)")
        for day in range(first, first + n_days):
            days[day % 7].append((begin, end))
    for name, stretches in zip(_DAYS, days, strict=True):
        stretches.sort()
        if any(begin < end for (_, end), (begin, _) in pairwise(stretches)):
            raise ValueError(f"{_FORM}: the hours of {name} overlap")
    return WorkingHours(tuple(map(tuple, days)))


USUAL_HOURS = working_hours("Mon-Fri 09:00-19:00, Sat 10:00-16:00")
"""What brokerages in the portal's home market commonly keep."""


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
