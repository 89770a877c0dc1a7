"""Numbers for senders: small and without gaps, so that different ones are counted as bits and not as texts."""

import duckdb

CODE = "md5_number_lower({})"
"""SQL for the part of a sender's key by which `senders` knows it."""


def number_senders(cursor: duckdb.DuckDBPyConnection, table: str) -> None:
    """Gives a number to each sender_key of `table` that has none yet."""
    code = CODE.format("sender_key")
    cursor.execute(
        "insert into senders select sender_code, "
        "(select coalesce(max(sender_no), 0) from senders) + row_number() over (order by sender_code) "
        f"from (select distinct {code} as sender_code from {table} where sender_key is not null) "
        "anti join senders using (sender_code)"
    )


def forget_senders(cursor: duckdb.DuckDBPyConnection, numbers: list[int]) -> None:
    """Forgets those of these senders that no lead has any more."""
    cursor.execute(
        "delete from senders where sender_no in (select unnest($numbers)) "
        "and sender_no not in (select sender_no from leads where sender_no in (select unnest($numbers)))",
        {"numbers": numbers},
    )
