"""Invented people: every name, phone and address here is plainly made up, and follows from a number alone."""

from __future__ import annotations

from typing import Final, NamedTuple

_MASK: Final = (1 << 64) - 1


def mixed(*numbers: int) -> int:
    """A well-stirred 64-bit number that depends on all of `numbers` and on nothing else (splitmix64)."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = (state ^ (number & _MASK)) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


class PersonName(NamedTuple):
    first: str
    last: str

    def __str__(self) -> str:
        return f"{self.first} {self.last}"


# The surnames say "sample", "experimental", "made up" in their languages: nobody can take them for a client.
_LATIN_FIRST: Final = (
    "Amal", "Bilal", "Celine", "Dana", "Elias", "Farah", "George", "Hana", "Imran", "Jana", "Karim", "Lina", "Marco",
    "Nadia", "Omar", "Priya", "Qasim", "Rania", "Sami", "Tala", "Umar", "Vera", "Wael", "Yara", "Zain", "Aisha", "Ivan",
    "Mei", "Noor", "Olga", "Ravi", "Sofia",
)  # fmt: skip
_LATIN_LAST: Final = (
    "Almithali", "Altajribi", "Alnamudhaji", "Aliftiradi", "Sample", "Placeholder", "Madeup", "Beispiel", "Exemple",
    "Ejemplo", "Esempio", "Primerov", "Namuna", "Fictivo", "Invented", "Testperson",
)  # fmt: skip
_ARABIC_FIRST: Final = (
    "أحمد", "بدور", "جمال", "حصة", "خالد", "دلال", "راشد", "زينب", "سالم", "شيخة", "عمر", "غادة", "فاطمة", "كريم",
    "ليلى", "منى",
)  # fmt: skip
_ARABIC_LAST: Final = ("المثالي", "التجريبي", "النموذجي", "الافتراضي", "المستعار", "المختلق")


def person_name(number: int) -> PersonName:
    """The invented name of person `number`, about one in five in Arabic script."""
    die = mixed(number, 1)
    if die % 5 == 0:
        return PersonName(_ARABIC_FIRST[(die >> 8) % len(_ARABIC_FIRST)], _ARABIC_LAST[(die >> 20) % len(_ARABIC_LAST)])
    return PersonName(_LATIN_FIRST[(die >> 8) % len(_LATIN_FIRST)], _LATIN_LAST[(die >> 20) % len(_LATIN_LAST)])


N_PHONES: Final = 110_000
"""Different phone numbers that the two invented forms allow; larger brokerages see numbers again."""


def person_phone(number: int) -> str:
    """The phone of person `number`; two people share one only when their numbers differ by a multiple of 110,000."""
    place = number * 70_001 % N_PHONES
    return f"+97150000{place:04d}" if place < 10_000 else f"+9715555{place - 10_000:05d}"


class Sender(NamedTuple):
    """Who wrote: None for what this person never shows."""

    name: str | None
    phone: str | None
    email: str | None
    username: str | None


def sender(seed: int, person: int, channel: str) -> Sender:
    """What the portal shows of a person who came by `channel`.

    Calls show a phone and often no name; WhatsApp shows a phone, at times a username, at times only that; e-mail
    always has an address.
    """
    die = mixed(seed, person, 2)
    phone = person_phone(person)
    full_name = person_name(mixed(seed, person, 3))
    domain = "example.com" if die & 1 else "example.org"
    email = f"sender.{person:x}@{domain}"
    unnamed = (die >> 4) % 100
    if channel == "call":
        return Sender(None if unnamed < 62 else str(full_name), phone, None, None)
    name = None if unnamed < 7 else str(full_name)
    if channel == "whatsapp":
        handle = (die >> 16) % 100
        username = f"sample.{person:x}" if handle < 9 else None
        return Sender(name, None if handle < 4 else phone, email if (die >> 32) % 10 == 0 else None, username)
    return Sender(name, phone if (die >> 40) % 10 < 7 else None, email, None)
