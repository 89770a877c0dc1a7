"""Faults of single rows: what the documents do not name, and what is no lead."""

from __future__ import annotations

from typing import Any

from leadlib.sandbox.faults.base import Fault, Option, fault
from leadlib.sandbox.lead import Lead
from leadlib.sandbox.people import mixed


@fault("odd-rows", "About one lead in 20 is odd: unknown values, an unknown field, no id or a bad createdAt.")
class _OddRows(Fault):
    def change_lead(self, row: dict[str, Any], lead: Lead) -> None:
        match lead.number % 140:
            case 11:
                row["channel"] = "telegram"
            case 31:
                row["status"] = "snoozed"
            case 51:
                row["entityType"] = "building"
            case 71:
                row["sender"]["contacts"] = [{"type": "telegramHandle", "value": "sample.handle"}]
            case 91:
                row["sellerProperty"] = {"bedrooms": 2, "note": "unknown to the documents"}
            case 111:
                del row["id"]
            case 131:
                row["createdAt"] = "yesterday"

    def readable_id(self, lead_id: str | None, lead: Lead) -> str | None:
        return None if lead.number % 140 in (111, 131) else lead_id


@fault(
    "many-rejects", "2 % of the rows are no leads: they have no id, or a createdAt in words.", percent=Option(2, 1, 100)
)
class _ManyRejects(Fault):
    def change_lead(self, row: dict[str, Any], lead: Lead) -> None:
        if self._is_none(lead):
            if lead.number % 2:
                row.pop("id", None)
            else:
                row["createdAt"] = "yesterday"

    def readable_id(self, lead_id: str | None, lead: Lead) -> str | None:
        return None if self._is_none(lead) else lead_id

    def _is_none(self, lead: Lead) -> bool:
        return mixed(lead.number, 32) % 100 < self.options["percent"]
