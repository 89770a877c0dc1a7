"""`webhooks`: which of the account's events the portal sends where."""

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from leadlib import formats
from leadlib.cells import printable, yes_or_no
from leadlib.cli.arguments import UsageError
from leadlib.cli.output import tell
from leadlib.cli.settings import settings_asked
from leadlib.cli.tables import aligned
from leadlib.config import Settings
from leadlib.errors import NotFoundError, SettingsError

if TYPE_CHECKING:
    from leadlib.api import Client, Subscription
    from leadlib.webhooks import KnownAddresses

_TAKES = {
    "list": "nothing more",
    "subscribe": "an address",
    "unsubscribe": "an id or an address",
    "accept": "an id or an address",
}
ACTIONS = tuple(_TAKES)


def run(asked: argparse.Namespace) -> int:
    if (asked.action == "list") is not (asked.target is None):
        raise UsageError(f"“webhooks {asked.action}” takes {_TAKES[asked.action]}.")
    if asked.action == "subscribe":
        _check_address(asked.target)
    settings = settings_asked()
    if not settings.has_credentials:
        raise UsageError(
            "No credentials are set. The built-in sandbox has nobody to tell; “python -m leadlib sandbox” serves one "
            "that has, and prints the settings for it."
        )
    from leadlib.api import Client
    from leadlib.webhooks import KnownAddresses

    known = KnownAddresses(settings.database)
    with Client(settings) as client:
        if asked.action == "list":
            _list(client, known, settings, asked.json)
        elif asked.action == "subscribe":
            _subscribe(client, known, settings, asked.target, asked.json)
        elif asked.action == "unsubscribe":
            _unsubscribe(client, known, asked.target, asked.json)
        else:
            _accept(client, known, asked.target, asked.json)
    return 0


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    except ValueError:
        parts, is_local = urlsplit(""), False
    if not parts.hostname or parts.scheme not in ({"https", "http"} if is_local else {"https"}):
        raise UsageError(
            "The address must begin with https:// and end where this installation answers, such as "
            "https://leads.example.com/webhooks/leads: events carry names and phones."
        )


def _list(client: "Client", known: "KnownAddresses", settings: Settings, as_json: bool) -> None:
    found, urls = client.subscriptions(), known.all()
    if as_json:
        print(json.dumps([_as_json(one, urls) for one in found], indent=1))
        return
    if not found:
        print("Nothing is subscribed.")
        return
    rows = [
        [
            printable(one.subscription_id),
            printable(one.url),
            f"{one.created_at.astimezone(settings.timezone):%Y-%m-%d}" if one.created_at else formats.MISSING_TEXT,
            yes_or_no(one.url in urls) if one.is_for_leads else formats.MISSING_TEXT,
        ]
        for one in found
    ]
    print("\n".join(aligned([["id", "address", "since", "known here"], *rows])))


def _subscribe(client: "Client", known: "KnownAddresses", settings: Settings, url: str, as_json: bool) -> None:
    from leadlib.api import LEAD_EVENTS

    if settings.webhook_secret is None:
        raise SettingsError(
            "LEADLIB_WEBHOOK_SECRET is not set. Without a secret the portal signs nothing, and anybody could send "
            "events. Choose one of 16 to 32 characters, set it here and for the app, then subscribe.",
            "LEADLIB_WEBHOOK_SECRET",
        )
    known.add(url)  # first, so that no look in between takes our own address for a stranger's
    new = {event: client.subscribe(event, url, settings.webhook_secret) for event in LEAD_EVENTS}
    if as_json:
        fresh = [event for event, is_new in new.items() if is_new]
        print(json.dumps({"url": url, "subscribed": fresh, "already": [event for event in new if event not in fresh]}))
        return
    for event, is_new in new.items():
        print(f"{event}: {'subscribed' if is_new else 'was subscribed already'}")
    if not all(new.values()):
        tell("What was subscribed already keeps its secret. If yours has changed, unsubscribe the address first.")


def _unsubscribe(client: "Client", known: "KnownAddresses", target: str, as_json: bool) -> None:
    found = client.subscriptions()
    chosen = _named(found, target)
    ids = {one.subscription_id for one in chosen}
    hit = [one for one in found if one.subscription_id in ids]
    if target not in ids and len(hit) > len(chosen):
        raise UsageError(
            "The portal has the same ids for other addresses, so ending this one would end those too: "
            f"{', '.join(sorted(ids))}. To end them all, name the id; then subscribe again what should stay."
        )
    for subscription_id in sorted(ids):
        try:
            client.unsubscribe(subscription_id)
        except NotFoundError:
            tell(f"{printable(subscription_id)} was gone already.")
    left = {one.url for one in found if one not in hit}
    for url in {one.url for one in hit} - left:
        known.remove(url)
    if as_json:
        print(json.dumps({"unsubscribed": sorted(ids)}))
    else:
        print("\n".join(f"{printable(subscription_id)}: unsubscribed" for subscription_id in sorted(ids)))


def _accept(client: "Client", known: "KnownAddresses", target: str, as_json: bool) -> None:
    urls = sorted({one.url for one in _named(client.subscriptions(), target)})
    for url in urls:
        known.add(url)
    if as_json:
        print(json.dumps({"accepted": urls}))
    else:
        print("\n".join(f"{printable(url)}: accepted; its alarm ends within the hour" for url in urls))


def _named(found: Sequence["Subscription"], target: str) -> list["Subscription"]:
    chosen = [one for one in found if target in {one.subscription_id, one.url}]
    if not chosen:
        raise UsageError("The portal has no subscription of this id or address; “webhooks list” shows all.")
    return chosen


def _as_json(one: "Subscription", known: frozenset[str]) -> dict[str, object]:
    return {
        "id": one.subscription_id,
        "event": one.event,
        "url": one.url,
        "created_at": None if one.created_at is None else one.created_at.isoformat(),
        "is_known": one.url in known,
    }
