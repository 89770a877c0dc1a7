"""Facts: what a store keeps under a name beside its rows, such as where its days begin."""

import duckdb

from leadlib.store.files import File


def recall(file: File, key: str) -> str | None:
    """What `remember` kept under `key`; None if nothing. Raises StoreError."""
    found = file.fetch("select value from meta where key = $key", {"key": key}).to_pylist()
    return str(found[0]["value"]) if found else None


def remember(cursor: duckdb.DuckDBPyConnection, key: str, value: str) -> None:
    """Keeps `value` under `key`, in place of what was there, in the cursor's transaction."""
    cursor.execute("delete from meta where key = ?", [key])
    cursor.execute("insert into meta values (?, ?)", [key, value])
