"""`pytest --store shared`: every folder that a test opens a store in stands for a shared store of its own.

Each has a database of the run's PostgreSQL, copied from one in which both lakes are laid out already, and is gone after
the test that made it.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from leadlib.shared import LakeAddress, SharedAddress
from leadlib.store import Store
from leadlib.store import lake as lakes
from leadlib.store.lake import SCHEMAS
from leadlib.store.shared import open_shared
from tests.postgres import Postgres

TEMPLATE = "leadlight_template"
NEW_ENGINE = lakes.new_engine
"""What makes an engine where none is used in turn."""

_OPEN = Store.open.__func__  # type: ignore[attr-defined]


def open_embedded(folder: Path, **wishes: Any) -> Store:
    """The store that lies in the folder itself, whatever else the folder stands for."""
    opened: Store = _OPEN(Store, folder, **wishes)
    return opened


def open_at(address: SharedAddress, folder: Path, **wishes: Any) -> Store:
    """The shared store at an address, with `folder` for what one machine keeps beside it."""
    opened: Store = _OPEN(Store, folder, shared=address, **wishes)
    return opened


def lay_out_template(server: Postgres) -> None:
    """The database that all others are copied from: to lay out two lakes takes longer than most tests."""
    dsn = server.create_database(TEMPLATE)
    with tempfile.TemporaryDirectory() as folder:
        lake = LakeAddress(dsn, f"{folder}/lake")
        open_shared(Path(folder), SharedAddress(lake, lake)).close()


class SharedStores:
    """The shared stores of this process's tests, by the folders that stand for them."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._addresses: dict[Path, SharedAddress] = {}

    def address(self, folder: Path) -> SharedAddress:
        """Where the store of this folder lies; made when it is first asked for."""
        folder = folder.resolve()
        if folder not in self._addresses:
            self._addresses[folder] = self._make(folder)
        return self._addresses[folder]

    def settings(self, folder: Path) -> dict[str, str]:
        """The settings by which a program of its own opens the store of this folder."""
        lake = self.address(folder).analytics
        return {
            "LEADLIB_DATABASE": f"ducklake:postgres:{lake.dsn}?data={lake.data}",
            "LEADLIB_FOLDER": str(folder),
        }

    @contextmanager
    def of_one_test(self) -> Iterator[None]:
        """Takes away at the end what was made meanwhile."""
        before = set(self._addresses)
        yield
        for folder in set(self._addresses) - before:
            address = self._addresses.pop(folder)
            self._server.run(f'drop database if exists "{_name(folder)}" with (force)')
            shutil.rmtree(address.analytics.data, ignore_errors=True)

    def stand_in(self) -> None:
        """From now on `Store.open` opens the shared store of the folder it is given, unless it is told another."""
        engines = _Engines()
        lakes.new_engine, lakes.end_engine = engines.take, engines.give_back
        for name in ("open", "open_beside"):
            opened = getattr(Store, name).__func__
            setattr(Store, name, classmethod(self._opening(opened)))

    def _opening(self, opened: Callable[..., Store]) -> Callable[..., Store]:
        def open_one(cls: type[Store], folder: Path, *, shared: SharedAddress | None = None, **wishes: Any) -> Store:
            return opened(cls, folder, shared=shared or self.address(folder), **wishes)

        return open_one

    def _make(self, folder: Path) -> SharedAddress:
        name = _name(folder)
        lake = LakeAddress(self._server.create_database(name, TEMPLATE), f"{folder}-lake")
        for schema, catalog in SCHEMAS.items():
            self._server.run(
                f"update {catalog}.ducklake_metadata set value = '{lake.data}/{schema}/' where key = 'data_path'",  # noqa: S608  # our own names
                name,
            )
        return SharedAddress(lake, lake)


class _Engines:
    """DuckDBs with their extensions loaded, which takes a good part of what opening a store does, used in turn."""

    def __init__(self) -> None:
        self._new, self._end = NEW_ENGINE, lakes.end_engine
        self._free: list[duckdb.DuckDBPyConnection] = []

    def take(self) -> duckdb.DuckDBPyConnection:
        return self._free.pop() if self._free else self._new()

    def give_back(self, engine: duckdb.DuckDBPyConnection) -> None:
        try:
            engine.execute(f"use memory; detach database if exists {lakes.NAME}; detach database if exists scopes")
        except duckdb.Error:
            self._end(engine)
        else:
            self._free.append(engine)


def _name(folder: Path) -> str:
    return f"store_{hashlib.sha256(str(folder).encode()).hexdigest()[:20]}"
