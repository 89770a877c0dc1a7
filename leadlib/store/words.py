"""Words: what people have written into the app for one another, beside the leads: notebooks, views, notes on days."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime

import duckdb

from leadlib.store import keepsakes
from leadlib.store.files import File
from leadlib.store.keepsakes import DayNote, Keepsake, SavedView
from leadlib.store.notebooks import NotebookVersion, versions, write_version
from leadlib.store.races import run_again


class Words:
    """The saved notebooks, named views and notes on days of a store. They lie in its personal file: words can hold
    anything.

    Reading is safe from any thread. No number depends on them, so writing leaves the store's `data_version` as it is.
    """

    def __init__(self, file: File) -> None:
        self.read_from(file)

    def read_from(self, file: File) -> None:
        """Takes what is in `file` from now on; for the store, when that was written anew or changed behind its back."""
        self._file = file
        self._saved_views = keepsakes.saved_views(file)
        self._day_notes = keepsakes.day_notes(file)

    def notebooks(self) -> list[NotebookVersion]:
        """The newest version of every saved notebook that is not deleted, last saved first."""
        newest = "(name, version) in (select name, max(version) from notebooks group by name) and not is_deleted"
        return versions(self._file, newest)

    def notebook(self, name: str, version: int | None = None) -> NotebookVersion | None:
        """One saved notebook, the newest version unless one is named; None if there is none or it is deleted.

        A version of its own can be had of a deleted notebook too.
        """
        saved = self.notebook_versions(name)
        if version is None:
            return saved[0] if saved and not saved[0].is_deleted else None
        return next((one for one in saved if one.version == version), None)

    def notebook_versions(self, name: str) -> list[NotebookVersion]:
        """All versions of a notebook, newest first; empty if it was never saved."""
        return versions(self._file, "name = $name", {"name": name})

    def saved_views(self) -> tuple[SavedView, ...]:
        """The views that people have named, oldest first. Every page asks, so the answer is kept in memory."""
        return self._saved_views

    def day_notes(self) -> tuple[DayNote, ...]:
        """What people have noted on days, by day. Every chart over time asks, so the answer is kept in memory."""
        return self._day_notes

    def written_at(self) -> datetime:
        """When people last saved a notebook, a view or a note, or took one down, UTC; long ago if they never did."""
        last = versions(self._file, "saved_at = (select max(saved_at) from notebooks)")
        return max([keepsakes.changed_at(self._file), *(one.saved_at for one in last[:1])])

    @run_again
    def save_notebook(self, name: str, *, after: int, title: str, author: str, cells: str) -> NotebookVersion:
        """Adds a version to a notebook, whose newest one must be `after` (0: there is none yet).

        What was deleted is there again. Raises NotebookConflictError if another version came in between.
        """
        saved = NotebookVersion(name, after + 1, title, author, datetime.now(UTC), cells)
        with self._file.transaction() as cursor:
            write_version(cursor, saved)
        return saved

    @run_again
    def delete_notebook(self, name: str, *, after: int, author: str) -> None:
        """Marks a notebook as deleted, by a version of its own; the others stay. As for `save_notebook`."""
        last = self.notebook(name, after)
        if last is not None:
            gone = replace(last, version=after + 1, author=author, saved_at=datetime.now(UTC), is_deleted=True)
            with self._file.transaction() as cursor:
                write_version(cursor, gone)

    @run_again
    def save_view(self, title: str, page: str, query: Mapping[str, Sequence[str]], author: str) -> None:
        """Puts a view up for everybody: a page, and the parameters of its address."""
        with self._keeping() as cursor:
            keepsakes.write_view(cursor, title, page, query, author)

    @run_again
    def note_on_day(self, day: date, words: str, author: str) -> None:
        """Puts a note on a day of the account's clock, for everybody."""
        with self._keeping() as cursor:
            keepsakes.write_note(cursor, day, words, author)

    @run_again
    def take_down(self, keepsake: Keepsake) -> None:
        """Takes a view or a note from the screens. Once is as good as twice; its row stays."""
        with self._keeping() as cursor:
            keepsakes.take_down(cursor, keepsake)

    @contextmanager
    def _keeping(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._file.transaction() as cursor:
            yield cursor
        self.read_from(self._file)
