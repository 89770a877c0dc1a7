"""Who was erased, and is kept out.

The list holds keyed hashes of lead ids, phones and e-mail addresses, from which nobody can be told.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import duckdb
import msgspec

from leadlib.records import Contact, Lead, RejectedRow

Kind = Literal["lead", "phone", "email"]

_PHONE = re.compile(r"[+(]?\d(?:[\s().\-]*\d){5,}")
_EMAIL = re.compile(r"[^\s\"'<>(),;:\[\]\\]+@[^\s\"'<>(),;:\[\]\\]+")


@dataclass(frozen=True)
class Person:
    """What somebody is to be erased by. At least one of them; a phone stands with its country code."""

    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    lead_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(len(_digits(phone)) < 6 for phone in self.phones) or any("@" not in email for email in self.emails):
            raise ValueError("a phone has six digits at least, an e-mail address an @")

    @property
    def marks(self) -> set[tuple[Kind, str]]:
        """Each of them in the one spelling in which it is compared."""
        return {
            *(("phone", _digits(phone)) for phone in self.phones),
            *(("email", _folded(email)) for email in self.emails),
            *(("lead", lead_id) for lead_id in self.lead_ids),
        }

    def is_in(self, text: str) -> bool:
        """True if a phone or an e-mail address of the person stands somewhere in the text, or a lead's id in quotes."""
        return not self.marks.isdisjoint(marks_in(text)) or any(f'"{lead_id}"' in text for lead_id in self.lead_ids)

    def __repr__(self) -> str:
        return "Person(…)"


class Suppression:
    """The list of who is kept out, as it stands in the personal file. Empty for most installations, and free then."""

    def __init__(self, hash_key: bytes, hashes: Iterable[str]) -> None:
        self._hash_key = hash_key
        self._hashes = frozenset(hashes)

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def knows(self, lead: Lead) -> bool:
        """True if the lead is one of, or by, somebody who was erased."""
        return bool(self._hashes) and (self._knows_any([("lead", lead.lead_id)]) or self.knows_text(_texts_of(lead)))

    def knows_text(self, text: str) -> bool:
        """True if a phone or an e-mail address of somebody who was erased stands in the text."""
        return bool(self._hashes) and self._knows_any(marks_in(text))

    def knows_row(self, row: RejectedRow) -> bool:
        """True if the row, which is no lead, is one of, or names, somebody who was erased."""
        return bool(self._hashes) and (self._knows_any([("lead", row.lead_id or "")]) or self.knows_text(row.raw))

    def without_persons(self, leads: Iterable[Lead]) -> tuple[list[Lead], set[str]]:
        """The same leads, those of erased persons with nothing personal in them; and the ids of these."""
        kept, kept_out = [], set()
        for lead in leads:
            if self.knows(lead):
                kept_out.add(lead.lead_id)
                lead = without_person(lead)
            kept.append(lead)
        return kept, kept_out

    def _knows_any(self, marks: Iterable[tuple[Kind, str]]) -> bool:
        return any(hash_of(kind, value, self._hash_key) in self._hashes for kind, value in marks)


def without_person(lead: Lead) -> Lead:
    """The lead as it is counted: without its sender, links and text."""
    return msgspec.structs.replace(
        lead, contact=Contact(), response_link=None, call_record_url=None, enrichment=None, raw=""
    )


def hash_of(kind: Kind, value: str, hash_key: bytes) -> str:
    """What stands in the list for a lead id, a phone or an e-mail address."""
    return hmac.digest(hash_key, f"suppressed {kind}:{value}".encode(), hashlib.sha256).hex()


def marks_in(text: str) -> set[tuple[Kind, str]]:
    """All phones and e-mail addresses in a text, in the one spelling in which they are compared."""
    marks: set[tuple[Kind, str]] = {("phone", _digits(found)) for found in _PHONE.findall(text)}
    if "@" in text:
        marks |= {("email", _folded(found)) for found in _EMAIL.findall(text)}
    return marks


def names_somebody(text: str) -> bool:
    """True if what may be a phone or an e-mail address stands in the text."""
    return bool(marks_in(text))


def load(cursor: duckdb.DuckDBPyConnection, hash_key: bytes) -> Suppression:
    """The list as it is in the personal file."""
    return Suppression(hash_key, (str(h) for (h,) in cursor.execute("select key_hash from suppressed").fetchall()))


def add(cursor: duckdb.DuckDBPyConnection, marks: Iterable[tuple[Kind, str]], hash_key: bytes) -> None:
    """Adds to the list what is not in it yet."""
    now = datetime.now(UTC)
    for kind, value in sorted(marks):
        cursor.execute(
            "insert into suppressed select $hash, $kind, $now "
            "where not exists (from suppressed where key_hash = $hash)",
            {"hash": hash_of(kind, value, hash_key), "kind": kind, "now": now},
        )


def _texts_of(lead: Lead) -> str:
    # The text as received has all contacts of the sender, the fields the first of each kind.
    return "\n".join(filter(None, (lead.raw, lead.contact.phone, lead.contact.email)))


def _digits(phone: str) -> str:
    return "".join(c for c in phone if c.isdigit()).lstrip("0")


def _folded(email: str) -> str:
    return email.strip().strip(".").casefold()
