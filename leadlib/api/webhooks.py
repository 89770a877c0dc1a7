"""The subscriptions of an account: which of its events the portal sends to which address."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from leadlib.api.pages import url_of
from leadlib.api.wire import Answer, Call, refuse
from leadlib.config import Secret
from leadlib.errors import UnexpectedPayloadError

WEBHOOKS_PATH = "/v1/webhooks"
WEBHOOKS_SCOPE = "webhooks:full_access"
LEAD_EVENTS = ("lead.created", "lead.updated", "lead.assigned")
"""All three are needed: a lead of a project never has a lead.created."""

Ask = Callable[[Call], Answer]


@dataclass(frozen=True)
class Subscription:
    """One event that goes to one address.

    `subscription_id` is the portal's own, as returned: the event's name, or that with something behind it. `event` is
    the name alone, `created_at` None where the portal's text is no date that we can read.
    """

    subscription_id: str
    event: str
    url: str
    created_at: datetime | None

    @property
    def is_for_leads(self) -> bool:
        return self.event.startswith("lead.")


def subscriptions(ask: Ask, base_url: str) -> list[Subscription]:
    """All subscriptions of the account, in the portal's order. Raises UnexpectedPayloadError if there is no list."""
    call = Call(f"GET {WEBHOOKS_PATH}", url_of(base_url, WEBHOOKS_PATH, ()), WEBHOOKS_SCOPE)
    answer = ask(call)
    if answer.status != 200:
        refuse(call, answer)
    rows = answer.body.get("data") if isinstance(answer.body, dict) else None
    if not isinstance(rows, list):
        raise UnexpectedPayloadError(
            f"{call.label} answered 200 without a list `data`. Try again.", call=call.label, status=200
        )
    return [found for row in rows if (found := _subscription(row)) is not None]


def subscribe(ask: Ask, base_url: str, event: str, url: str, secret: Secret) -> bool:
    """Has the portal send an event to `url`, signed with `secret`; False if it did so already, with whatever secret."""
    body = json.dumps({"eventId": event, "callbackUrl": url, "secret": secret.reveal()}).encode()
    call = Call(
        f"POST {WEBHOOKS_PATH}",
        url_of(base_url, WEBHOOKS_PATH, ()),
        WEBHOOKS_SCOPE,
        content=body,
        headers={"Content-Type": "application/json"},
    )
    answer = ask(call)
    # A repeated attempt of ours may meet its own success, so "already there" is as good as done.
    if answer.status not in {200, 201, 409}:
        refuse(call, answer)
    return answer.status != 409


def unsubscribe(ask: Ask, base_url: str, subscription_id: str) -> None:
    """Ends a subscription. Raises NotFoundError if the portal has none of that id."""
    path = f"{WEBHOOKS_PATH}/{quote(subscription_id, safe='')}"
    call = Call(f"DELETE {WEBHOOKS_PATH}/{{id}}", url_of(base_url, path, ()), WEBHOOKS_SCOPE)
    answer = ask(call)
    if answer.status not in {200, 202, 204}:
        refuse(call, answer)


def _subscription(row: Any) -> Subscription | None:
    """The subscription in a row; None if it has no id or no address, by which alone it matters."""
    if not isinstance(row, dict):
        return None
    subscription_id, url = row.get("eventId"), row.get("url") or row.get("callbackUrl")
    if not isinstance(subscription_id, str) or not isinstance(url, str) or not subscription_id or not url:
        return None
    # A portal was seen to put "_<uuid>" behind the name.
    return Subscription(subscription_id, subscription_id.partition("_")[0], url, _instant(row.get("createdAt")))


def _instant(text: Any) -> datetime | None:
    """The instant in an RFC 3339 text, or in one as Go writes it (2026-09-15 10:00:00.123456789 +0000 UTC)."""
    if not isinstance(text, str):
        return None
    words = text.split()
    go = f"{words[0]}T{words[1][:26]}{words[2]}" if len(words) in {3, 4} else text
    for candidate in (text, go):
        try:
            instant = datetime.fromisoformat(candidate)
        except ValueError:
            continue
        return instant if instant.tzinfo is not None else None
    return None
