"""What the tests of crashes, full disks and damage share: a writer that is killed, and ways to spoil files."""

import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from leadlib.records import Lead
from leadlib.store import Store
from tests.conftest import DUBAI, at, make_lead

ROWS = 20
"""Leads in a batch."""

on_unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither SIGKILL nor a fork server")


def open_at(folder: Path) -> Store:
    return Store.open(folder, timezone=DUBAI, portal="test")


def batch(number: int) -> list[Lead]:
    """The leads of one transaction; every third one is also in the batch before, with another status."""
    day = f"2026-{7 + number % 3:02}-{1 + number % 28:02}T06:00:00Z"
    new = [make_lead(f"b{number:05}-{n}", day, sender=sender(number, n)) for n in range(ROWS)]
    again = [
        make_lead(f"b{number - 1:05}-{n}", day, status="opened", sender=sender(number - 1, n))
        for n in range(0, ROWS, 3)
        if number
    ]
    return new + again


def sender(number: int, n: int) -> dict[str, Any]:
    return {
        "name": f"Canary Number{number:05}x{n}",
        "contacts": [
            {"type": "phone", "value": f"+97150{number:05}{n:02}"},
            {"type": "email", "value": f"canary{number:05}x{n}@example.com"},
        ],
    }


def write(store: Store, number: int) -> None:
    store.write_leads(batch(number), observed_at=at("2026-09-30 10:00"))


def batches_in(store: Store) -> list[int]:
    """The batches that are in the store. Fails if one is there in part, or lacks a sender."""
    rows = store.query("select substr(lead_id, 2, 5)::int as number, count(*) as n from leads group by 1 order by 1")
    assert set(rows["n"]) <= {ROWS}, "half a batch"
    numbers: list[int] = rows["number"].tolist()
    ids = store.query("select lead_id from leads")["lead_id"].tolist()
    assert store.contacts(ids).num_rows == len(ids), "a lead without its sender"
    return numbers


def content(store: Store) -> dict[str, tuple[int, str]]:
    """Rows and hash of every table whose rows do not depend on when the test runs."""
    found = {}
    for table in ("leads", "status_observations", "assignment_observations", "slices"):
        row = store.query(f"select count(*) as n, sum(hash(t)::hugeint)::varchar as h from {table} as t").iloc[0]  # noqa: S608
        found[table] = (int(row["n"]), str(row["h"]))
    contacts = store.contacts(store.query("select lead_id from leads")["lead_id"].tolist()).to_pylist()
    found["lead_contacts"] = (len(contacts), repr(sorted(map(repr, contacts))))
    return found


_SERVER = multiprocessing.get_context("forkserver") if sys.platform != "win32" else None
PRELOADED = ["tests.disasters", "leadlib.cli", "leadlib.engine", "leadlib.proof", "leadlib.export"]
"""What the process has imported from which those of the tests are forked; there is one of it, whoever asks first."""


def start(run: Callable[..., None], *arguments: Any) -> tuple[Any, Connection]:
    """A process that runs `run(pipe, *arguments)`, started in milliseconds, and the other end of its pipe."""
    assert _SERVER is not None
    _SERVER.set_forkserver_preload(PRELOADED)
    ours, theirs = _SERVER.Pipe(duplex=False)
    process = _SERVER.Process(target=run, args=(theirs, *arguments))
    process.start()
    theirs.close()
    return process, ours


def told(pipe: Connection) -> list[Any]:
    """All that came through the pipe, until its other end was closed by whatever means."""
    found = []
    with suppress(EOFError):
        while True:
            found.append(pipe.recv())
    return found


def run_in_process(run: Callable[..., None], *arguments: Any) -> tuple[int | None, list[Any]]:
    """How the process ended, and all that it told."""
    process, pipe = start(run, *arguments)
    try:
        heard = told(pipe)
        process.join(60)
    finally:
        process.kill()
        pipe.close()
    return process.exitcode, heard


def die_at(place: int) -> list[str]:
    """Kills this process just before its `place`-th write to the disk that matters, counted from here.

    Counted are fsync, rename and replace, the calls whose order decides what a crash leaves. The list names them all
    as they come.
    """
    calls: list[str] = []

    def failing(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            if len(calls) == place:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    for name in ("fsync", "rename", "replace"):
        setattr(os, name, failing(name, getattr(os, name)))
    return calls


def flip(path: Path, chance: random.Random) -> None:
    """Turns one bit of a file over."""
    place = chance.randrange(path.stat().st_size)
    with path.open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ (1 << chance.randrange(8))]))


def cut(path: Path, chance: random.Random) -> None:
    """Takes between one byte and all of a file's end away."""
    os.truncate(path, chance.randrange(path.stat().st_size))


def delete(path: Path, _: random.Random) -> None:
    path.unlink()
