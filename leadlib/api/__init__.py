"""The client of the portal's leads API: the only place that speaks HTTP to it."""

from leadlib.api.client import Client
from leadlib.api.pacing import Pacer, default_burst
from leadlib.api.pages import MAX_PER_PAGE, LeadPage, leads_query, leads_url
from leadlib.api.probes import Capabilities
from leadlib.api.tokens import token_ends_at
from leadlib.api.webhooks import LEAD_EVENTS, Subscription
from leadlib.api.wire import Stats

__all__ = [
    "LEAD_EVENTS",
    "MAX_PER_PAGE",
    "Capabilities",
    "Client",
    "LeadPage",
    "Pacer",
    "Stats",
    "Subscription",
    "default_burst",
    "leads_query",
    "leads_url",
    "token_ends_at",
]
