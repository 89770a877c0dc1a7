"""Webhooks: what the portal tells us by itself, kept before it is believed, and checked with a call of ours.

An event is kept as a file, word for word, before it is answered; a chore puts it into the store a few seconds later
and asks the portal for the whole lead. Receiving needs neither store nor portal, so it goes on while either is busy.
"""

from leadlib.webhooks.applying import APPLY_EVERY_S, PER_BATCH, Applier
from leadlib.webhooks.events import event_from_body
from leadlib.webhooks.receiving import MAX_BODY_BYTES, Receipt, Receiver
from leadlib.webhooks.signature import is_signed
from leadlib.webhooks.spool import Delivery, Spool
from leadlib.webhooks.state import WebhookState, webhook_state
from leadlib.webhooks.subscriptions import LOOK_EVERY_S, KnownAddresses, Watch, place_of

__all__ = [
    "APPLY_EVERY_S",
    "LOOK_EVERY_S",
    "MAX_BODY_BYTES",
    "PER_BATCH",
    "Applier",
    "Delivery",
    "KnownAddresses",
    "Receipt",
    "Receiver",
    "Spool",
    "Watch",
    "WebhookState",
    "event_from_body",
    "is_signed",
    "place_of",
    "webhook_state",
]
