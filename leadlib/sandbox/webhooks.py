"""Webhook subscriptions, kept in memory; what is sent to them is in `deliveries`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from leadlib.sandbox.faults import Answer, Fault
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
class Subscription:
    """One event that goes to one address; `json` is what the portal says of it, the secret left out."""

    event: str
    url: str
    secret: str = field(repr=False)
    json: dict[str, str]


class Subscriptions:
    """The subscriptions of the account. Several per event are allowed, each with a callback of its own."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self.kept: tuple[Subscription, ...] = ()
        self.on_first: Callable[[], None] = lambda: None
        self._faults = faults

    async def listed(self, request: Request, at: datetime) -> Answer:
        """GET: all subscriptions, or those of `eventType`."""
        event_id = request.query_params.get("eventType")
        return json_answer({"data": [kept.json for kept in self.kept if event_id in (None, kept.event)]})

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
        if any((kept.event, kept.url) == (event_id, url) for kept in self.kept):
            raise ProblemError(409, "This event is already sent to this address.")
        json = {"eventId": event_id, "url": url, "createdAt": stamp_of(at)}
        for fault in self._faults:
            fault.change_subscription(json)
        if not self.kept:
            self.on_first()
        self.kept = (*self.kept, Subscription(event_id, url, secret, json))
        return json_answer(json, 201)

    async def removed(self, request: Request, at: datetime) -> Answer:
        """DELETE: 204, 404 when nothing has this id; all subscriptions with it go."""
        left = tuple(kept for kept in self.kept if kept.json["eventId"] != request.path_params["event_id"])
        if len(left) == len(self.kept):
            raise ProblemError(404, "Nothing is subscribed to this event.")
        self.kept = left
        return Answer(204, b"")
