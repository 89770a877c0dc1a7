"""`backup` and `restore`: the whole store into a folder, and back out of it."""

import argparse

from leadlib.cli.arguments import UsageError
from leadlib.cli.output import tell
from leadlib.cli.settings import settings_asked
from leadlib.cli.stored import as_of, open_store
from leadlib.errors import StoreBusyError


def back_up(asked: argparse.Namespace) -> int:
    settings = settings_asked()
    from leadlib.store import is_free

    if not is_free(asked.folder):
        raise UsageError(
            f"{asked.folder} is not empty. Name a new folder for each backup, one with the day in its name."
        )
    try:
        store = open_store(settings)
    except StoreBusyError as error:
        raise StoreBusyError(
            f"{error} A backup needs the store to itself for a moment: stop the app, back up, start it again. "
            f"Meanwhile the numbers, without persons, can be copied from {settings.database / 'generations'}.",
            error.path,
        ) from error
    with store:
        rows = store.back_up(asked.folder)
        age = as_of(store)
    print(f"{rows['leads']:,} leads, {sum(rows.values()):,} rows in all, are in {asked.folder}, {age}.")
    tell("It holds names, phones and addresses: keep it as safe as the store, and no longer than the store would.")
    return 0


def restore(asked: argparse.Namespace) -> int:
    settings = settings_asked()
    from leadlib.store import is_free, restore_backup

    if settings.shared is not None:
        raise UsageError(
            f"A backup is restored into a folder, and LEADLIB_DATABASE names a shared store ({settings.shared}). Set "
            "it to a new folder, restore, and take the store from there with “migrate”."
        )
    if not is_free(settings.database):
        raise UsageError(
            f"{settings.database} is not empty, and a backup is restored into an empty folder only. Move it away, or "
            "set LEADLIB_DATABASE to a new folder."
        )
    rows = restore_backup(asked.folder, settings.database)
    with open_store(settings) as store:
        age = as_of(store)
    print(f"{rows['leads']:,} leads, {sum(rows.values()):,} rows in all, are in {settings.database}, {age}.")
    tell("Every table was compared with the backup. Who was erased since it was made has to be erased again.")
    return 0
