"""The digest and the alerts: what a manager should know without opening the app, in sentences that prove themselves."""

from leadlib.digest.alerts import Alert, alerts_now
from leadlib.digest.message import Message, as_html, as_slack, as_text
from leadlib.digest.posting import TURN_EVERY_S, Post
from leadlib.digest.sending import send
from leadlib.digest.sentences import DAYS_TOLD, make_digest

__all__ = [
    "DAYS_TOLD",
    "TURN_EVERY_S",
    "Alert",
    "Message",
    "Post",
    "alerts_now",
    "as_html",
    "as_slack",
    "as_text",
    "make_digest",
    "send",
]
