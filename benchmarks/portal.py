"""The benchmarks' portal: a sandbox in a process of its own, told by lines on standard input.

`python -m benchmarks.portal LEADS LATENCY_MS` prints its URL; then `calls` prints how many calls to /v1/leads were
answered since the last time, and `change SHARE` moves that share of the leads one status on.
"""

import random
import sys
from datetime import timedelta

from benchmarks import HELD_AT
from leadlib.sandbox import SandboxServer, SandboxSettings

SEED = 7
_UNLIMITED = 10**9


def main() -> None:
    n_leads, latency_ms = int(sys.argv[1]), float(sys.argv[2])
    settings = SandboxSettings(
        dialect="flat",
        n_leads=n_leads,
        seed=SEED,
        frozen_at=HELD_AT,
        calls_per_minute=_UNLIMITED,
        latency_s=latency_ms / 1000,
    )
    with SandboxServer(settings) as portal:
        print(portal.url, flush=True)
        for line in sys.stdin:
            match line.split():
                case ["calls"]:
                    print(sum(n for path, n in portal.calls.items() if path.endswith("/v1/leads")), flush=True)
                    portal.calls.clear()
                case ["change", share]:
                    print(_change(portal, float(share)), flush=True)


def _change(portal: SandboxServer, share: float) -> int:
    """Advances this share of the leads, spread over the whole window, and lets an hour pass: how many it were."""
    now = portal.clock.now()
    ids = sorted(portal.truth.lead_ids(now))
    n_changed = 0
    for lead_id in random.Random(SEED).sample(ids, round(len(ids) * share)):
        n_changed += portal.truth.advance(lead_id, now)
    portal.clock.advance(timedelta(hours=1))
    return n_changed


if __name__ == "__main__":
    main()
