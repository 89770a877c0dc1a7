"""`sandbox`: the portal's double, on a port of this machine."""

import argparse
import errno
import os
import sys
from datetime import UTC, datetime

from leadlib.cli.arguments import UsageError
from leadlib.cli.output import STOPPED, tell


def run(asked: argparse.Namespace) -> int:
    from leadlib.sandbox import API_KEY, API_SECRET, SandboxSettings, serve

    def show(url: str) -> None:
        set_ = "set" if os.name == "nt" else "export"
        held = f", its clock held at {settings.frozen_at:%Y-%m-%dT%H:%M:%SZ}" if settings.frozen_at else ""
        print(f"The sandbox answers at {url} ({settings.dialect} dialect{held}). Ctrl-C ends it.")
        print(f"All of it is invented, the key {API_KEY} and the secret {API_SECRET} included.")
        print("To use it from another terminal:\n")
        # With credentials the store is data/, which belongs to the real portal.
        database = f"data/sandbox-{url.rpartition(':')[2]}"
        for name, value in (
            ("LEADLIB_API_URL", url), ("LEADLIB_API_KEY", API_KEY), ("LEADLIB_API_SECRET", API_SECRET),
            ("LEADLIB_DATABASE", database),
        ):  # fmt: skip
            print(f"{set_} {name}={value}")
        sys.stdout.flush()

    try:
        settings = SandboxSettings(
            dialect=asked.dialect,
            n_leads=asked.leads,
            seed=asked.seed,
            faults=frozenset(asked.fault),
            frozen_at=datetime.now(UTC).replace(microsecond=0) if asked.freeze else None,
        )
    except ValueError as error:
        raise UsageError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    try:
        serve(settings, asked.port, show)
    except OSError as error:
        what = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({type(error).__name__})"
        raise UsageError(f"Port {asked.port} {what}. Name another with --port; 0 takes any free one.") from error
    tell("The sandbox has stopped.")  # by Ctrl-C, which is the only way
    return STOPPED
