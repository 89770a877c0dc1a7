"""From the portal into the store: what to read and when, how it is written down, and what came of it.

A sync is a sweep over one of three bands of createdAt (`bands`), or over what somebody asked for. What has not changed
is found by counting where that is sound (`counting`); the rest is read, in slices of one response where the portal
obeys createdAtTo, else in passes over its pages that need a certificate (`leadlib.reading` has both, and why). What was
seen is kept in any case. What cannot be certified is recorded, and shown, as uncertain.
"""

from leadlib.sync.bands import BANDS, window_every
from leadlib.sync.progress import Progress
from leadlib.sync.run import run_sync
from leadlib.sync.summary import sentence, to_json
from leadlib.sync.trust import believe_missing, publishable

__all__ = [
    "BANDS",
    "Progress",
    "believe_missing",
    "publishable",
    "run_sync",
    "sentence",
    "to_json",
    "window_every",
]
