"""Webhook subscriptions, kept in memory; the sandbox delivers nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from leadlib.sandbox.faults import Answer
from leadlib.sandbox.portal import json_answer, json_body
from leadlib.sandbox.problems import ProblemError
from leadlib.sandbox.wire import stamp_of

EVENTS: Final = frozenset({
    "user.created", "user.updated", "user.deleted", "user.activated", "user.deactivated",
    "lead.created", "lead.updated", "lead.assigned",
    "publicProfile.verification.approved", "publicProfile.verification.rejected",
    "listing.published", "listing.unpublished", "listing.action", "listing.publishFailed",
})  # fmt: skip
_LONGEST_SECRET: Final = 32


@dataclass(frozen=True, slots=True)
class _Subscription:
    event_id: str
    url: str
    created_at: str

    def json(self) -> dict[str, str]:
        return {"eventId": self.event_id, "url": self.url, "createdAt": self.created_at}


class Subscriptions:
    """The subscriptions of the account. Several per event are allowed, each with a callback of its own."""

    def __init__(self) -> None:
        self._kept: list[_Subscription] = []

    async def listed(self, request: Request, at: datetime) -> Answer:
        """GET: all subscriptions, or those of `eventType`."""
        event_id = request.query_params.get("eventType")
        return json_answer({"data": [kept.json() for kept in self._kept if event_id in (None, kept.event_id)]})

    async def added(self, request: Request, at: datetime) -> Answer:
        """POST: 201, 409 when that event already goes to that address, 422 for a body that breaks a rule."""
        body = await json_body(request)
        if not isinstance(body, dict):
            raise ProblemError(422, "The body must be a JSON object.")
        event_id, url, secret = body.get("eventId"), body.get("callbackUrl"), body.get("secret", "")
        if event_id not in EVENTS:
            raise ProblemError(422, f"eventId must be one of {', '.join(sorted(EVENTS))}", "/eventId")
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
            raise ProblemError(422, "callbackUrl must be a web address", "/callbackUrl")
        if not isinstance(secret, str) or len(secret) > _LONGEST_SECRET:
            raise ProblemError(422, f"secret must have {_LONGEST_SECRET} letters or fewer", "/secret")
        if any((kept.event_id, kept.url) == (event_id, url) for kept in self._kept):
            raise ProblemError(409, "This event is already sent to this address.")
        subscription = _Subscription(event_id, url, stamp_of(at))
        self._kept.append(subscription)
        return json_answer(subscription.json(), 201)

    async def removed(self, request: Request, at: datetime) -> Answer:
        """DELETE: 204, 404 when nothing is subscribed to the event; all of its subscriptions go."""
        event_id = request.path_params["event_id"]
        left = [kept for kept in self._kept if kept.event_id != event_id]
        if len(left) == len(self._kept):
            raise ProblemError(404, "Nothing is subscribed to this event.")
        self._kept = left
        return Answer(204, b"")
