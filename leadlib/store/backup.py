"""Backup and restore: both files of a store as Parquet copies in one folder, and the way back."""

from collections import Counter
from pathlib import Path

import duckdb

from leadlib.errors import StoreDamagedError, StoreError, StoreUnreadableError
from leadlib.store import disk
from leadlib.store.building import build, differing_tables
from leadlib.store.copies import Copy, read_copy, write_copy
from leadlib.store.files import CONFIG, File, remove_file

_FILES = {"analytics": "leads.duckdb", "personal": "personal.duckdb"}


def is_free(folder: Path) -> bool:
    """True if there is no such folder, or nothing in it."""
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def write_backup(analytics: File, personal: File, folder: Path) -> dict[str, int]:
    """Copies of all tables of both files in the new folder `folder`; rows per table. Holds persons.

    The personal file is copied last: a lead is then never without its sender. Raises StoreError.
    """
    disk.make_folder(folder)
    rows: Counter[str] = Counter()
    for file in (analytics, personal):
        rows.update(write_copy(file, folder / file.schema).manifest.rows)
    return dict(rows)


def restore_backup(source: Path, folder: Path) -> dict[str, int]:
    """A store in the empty folder `folder`, with the rows of the backup in `source`; rows per table.

    Every file of the backup is compared with its hash before, every table with the backup after. Raises
    StoreDamagedError if the backup is not whole, StoreUnreadableError if a newer Leadlight made it, StoreError if it
    cannot be written. `folder` is empty again after a failure.
    """
    copies = whole_copies(source)
    disk.make_folder(folder)
    folder.chmod(disk.OWNER_FOLDER)
    rows: Counter[str] = Counter()
    try:
        for schema, name in _FILES.items():
            copy = copies[schema]
            build(folder / name, schema, copy.manifest.sequence, copy)
            with duckdb.connect(str(folder / name), read_only=True, config=CONFIG) as connection:
                connection.execute("set global TimeZone = 'UTC'")
                if different := differing_tables(connection, copy):
                    raise StoreError(
                        f"After restoring, these tables are not as in the backup: {different}", str(folder)
                    )
            rows.update(copy.manifest.rows)
    except (duckdb.Error, StoreError) as error:
        for name in _FILES.values():
            remove_file(folder / name)
        if isinstance(error, StoreError):
            raise
        raise StoreUnreadableError(f"{folder} could not be checked ({type(error).__name__}).", str(folder)) from error
    return dict(rows)


def whole_copies(source: Path) -> dict[str, Copy]:
    """The copies of the backup in `source`, by schema, every byte of them compared with its hash.

    Raises StoreDamagedError if it is not whole.
    """
    return {schema: _whole_copy(source / schema) for schema in _FILES}


def _whole_copy(folder: Path) -> Copy:
    try:
        copy = read_copy(folder)
    except StoreDamagedError as error:
        raise StoreDamagedError(
            f"{folder.parent} holds no whole backup: {folder.name} is missing, cut off or changed. Nothing was "
            "restored. Name the folder that “backup” has written, or take another backup.",
            str(folder),
        ) from error
    if (spoilt := copy.damage()) is not None:
        raise StoreDamagedError(
            f"{folder / spoilt} is not as it was written: its hash differs. Nothing was restored. Take another backup.",
            str(folder),
        )
    return copy
