"""Numbers for senders: small and without gaps, so that different ones are counted as bits and not as texts."""

import duckdb

CODE = "md5_number_lower({})"
"""SQL for the part of a sender's key by which `senders` knows it."""


def number_senders(cursor: duckdb.DuckDBPyConnection, table: str) -> None:
    """Gives a number to each sender_key of `table` that has none yet; those of them all are in `known_senders` then.

    All senders that there are are looked through once for it, and joined with nothing.
    """
    codes = f"select distinct {CODE.format('sender_key')} as sender_code from {table} where sender_key is not null"
    cursor.execute(
        f"create or replace temp table known_senders as select * from senders where sender_code in ({codes})"
    )
    cursor.execute(
        "create or replace temp table new_senders as select sender_code, cast("
        "(select coalesce(max(sender_no), 0) from senders) + row_number() over (order by sender_code) as integer) "
        f"as sender_no from ({codes}) anti join known_senders using (sender_code)"
    )
    for known in ("senders", "known_senders"):
        cursor.execute(f"insert into {known} select sender_code, sender_no from new_senders")


def forget_senders(cursor: duckdb.DuckDBPyConnection, numbers: list[int]) -> None:
    """Forgets those of these senders that no lead has any more."""
    cursor.execute(
        "delete from senders where sender_no in (select unnest($numbers)) "
        "and sender_no not in (select sender_no from leads where sender_no in (select unnest($numbers)))",
        {"numbers": numbers},
    )
