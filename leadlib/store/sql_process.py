"""The process of one SQL cell: fences itself in, loads the tables that the cell names, and answers one SELECT.

It is started as a file by `leadlib.sql_cells`, with the limits as arguments and a request as JSON on its standard
input, and writes a line of JSON and then the rows as an Arrow stream. It knows nothing else of Leadlight, so that it
starts fast and holds nothing that could be read out of it. The fences stand before any of the user's text is parsed.
"""

import ctypes
import difflib
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_BATCH_ROWS = 1_000
_PLANNED, _RUN = "explain ", "explain analyze "
_SHORT_S = 1.5

_TABLE_FUNCTIONS = {"range", "generate_series", "unnest", "repeat", "json_each", "json_tree"}
_REFERENCES = {"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "EMPTY_FROM", "PIVOT"}
# A WITH may hold a COPY or a DELETE, and the whole still calls itself a SELECT.
_READING_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
# What tells of the machine or the database instead of the leads, or writes somewhere.
_REFUSED_FUNCTIONS = {
    "col_description",
    "current_connection_id",
    "current_query",
    "current_setting",
    "currval",
    "format_type",
    "get_block_size",
    "getenv",
    "getvariable",
    "in_search_path",
    "json_deserialize_sql",
    "json_serialize_plan",
    "nextval",
    "setval",
    "write_log",
}
_REFUSED_BEGINNINGS = ("duckdb_", "pg_", "pragma_", "read_", "parquet_", "sniff_")

_PLAIN_TYPES = {
    "boolean",
    "tinyint",
    "smallint",
    "integer",
    "bigint",
    "hugeint",
    "utinyint",
    "usmallint",
    "uinteger",
    "float",
    "double",
    "varchar",
    "date",
    "timestamp",
    "timestamp with time zone",
}
_TYPES_BY_CAST = {
    "ubigint": "hugeint",
    "uhugeint": "double",
    "decimal": "double",
    "timestamp_s": "timestamp",
    "timestamp_ms": "timestamp",
    "timestamp_ns": "timestamp",
}

# Of these errors the database's own words are about the SQL; those of the others may be about the machine.
_QUOTED_ERRORS = {
    "BinderException",
    "CatalogException",
    "ConstraintException",
    "ConversionException",
    "InvalidInputException",
    "InvalidTypeException",
    "NotImplementedException",
    "OutOfRangeException",
    "ParserException",
    "SyntaxException",
    "TypeMismatchException",
}


class RefusedError(Exception):
    """The cell is not run, or its answer is not given. `kind` is one of those that leadlib.sql_cells has words for."""

    def __init__(self, kind: str, detail: str = "", line: int | None = None) -> None:
        super().__init__(kind)
        self.kind, self.detail, self.line = kind, detail, line


def main() -> None:
    _fence_in(memory_bytes=int(sys.argv[1]), cpu_seconds=int(sys.argv[2]))
    request = json.loads(sys.stdin.buffer.read())
    try:
        head, rows = _answer(request, int(sys.argv[1]))
    except RefusedError as error:
        head, rows = {"error": error.kind, "detail": error.detail, "line": error.line}, b""
    except MemoryError:
        head, rows = {"error": "memory", "detail": "", "line": None}, b""
    except RecursionError:
        head, rows = {"error": "depth", "detail": "", "line": None}, b""
    sys.stdout.buffer.write(json.dumps({**head, "bytes": len(rows)}).encode() + b"\n")
    sys.stdout.buffer.write(rows)
    sys.stdout.buffer.flush()
    os._exit(0)  # a database that ran into a limit may not come down cleanly, and nothing is left to be saved


def _fence_in(memory_bytes: int, cpu_seconds: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    try:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    except (ValueError, OSError):
        if sys.platform == "linux":  # macOS has the name but not the limit; there the database's own limit is left
            raise
    os.nice(10)
    if sys.platform == "linux":
        kernel = ctypes.CDLL(None, use_errno=True)
        kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError("the kernel refused no_new_privs")
        leave_the_network()


def leave_the_network() -> bool:
    """True if this process now has a network of its own, with nobody in it.

    Many containers refuse it. There the limit on open files has to do, which lets no socket be made.
    """
    return bool(ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


def _seal() -> None:
    """From here on no file, socket or process can be opened: only the three standard streams are within the limits."""
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def _answer(request: dict[str, Any], memory_bytes: int) -> tuple[dict[str, Any], bytes]:
    import duckdb

    connection = duckdb.connect(":memory:", config={"threads": "1"})
    paths = [path for content in request["tables"].values() for path in content["paths"]]
    connection.execute("set allowed_paths = $1", [paths])
    for setting in (
        f"memory_limit = '{memory_bytes // 2} B'",
        "temp_directory = ''",
        "global TimeZone = 'UTC'",
        "global errors_as_json = true",
        "max_expression_depth = 250",
        "python_enable_replacements = false",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "allow_community_extensions = false",
        "allow_persistent_secrets = false",
        "enable_external_access = false",
    ):
        connection.execute(f"set {setting}")
    sql: str = request["sql"]
    started = time.perf_counter()
    try:
        _load(connection, request, _check(connection, sql, {*request["tables"], request["filtered"]["name"]}))
        connection.execute("set disabled_filesystems = 'LocalFileSystem'")
        connection.execute("set lock_configuration = true")
        # The first answer, of a type that has to be converted, imports all that others need: soon nothing can be.
        _arrow_rows(connection.sql("select 1::hugeint as n"), rows=1, columns=1, result_bytes=1_000)
        _seal()
        is_cut, stream = _arrow_rows(connection.sql(sql), **request["limits"])
    except duckdb.OutOfMemoryException:
        raise RefusedError("memory") from None
    except duckdb.Error as error:
        raise _in_words(connection, error, sql, started) from None
    return {"is_cut": is_cut}, stream


def _check(connection: "duckdb.DuckDBPyConnection", sql: str, relations: set[str]) -> set[str]:
    """The relations that the statement names. Raises RefusedError where it is not one SELECT over these."""
    nodes = reading_nodes(connection, sql)
    # A WITH that takes the name of one of the database's own views would let that view itself in elsewhere.
    own_views = connection.execute(
        "select view_name from duckdb_views() where internal and schema_name <> 'information_schema'"
    ).fetchall()
    with_names = {entry["key"].lower() for node in nodes if "cte_map" in node for entry in node["cte_map"]["map"]}
    for name in sorted(with_names & {str(view).lower() for (view,) in own_views}):
        raise RefusedError("relation", name)
    named = set()
    for node in nodes:
        line = _line_at(sql, node.get("query_location"))
        if "sample" in node and "alias" in node:
            if node["type"] not in _REFERENCES:
                raise RefusedError("reference", "", line)
            if node["type"] == "BASE_TABLE":
                path = [str(part).lower() for part in node["qualified_name"]["path"]]
                if len(path) != 1 or path[0] not in relations | with_names:
                    raise RefusedError("relation", _with_hint(".".join(path), relations | with_names), line)
                named.add(path[0])
            if node["type"] == "TABLE_FUNCTION":
                function = str(node["function"].get("function_name", "")).lower()
                if function not in _TABLE_FUNCTIONS:
                    raise RefusedError("function", function, line)
        if "function_name" in node:
            function = str(node["function_name"]).lower()
            if function in _REFUSED_FUNCTIONS or function.startswith(_REFUSED_BEGINNINGS):
                raise RefusedError("function", function, line)
    return named & relations


def reading_nodes(connection: "duckdb.DuckDBPyConnection", sql: str) -> list[dict[str, Any]]:
    """All nodes of the tree of one SELECT that changes nothing. Raises RefusedError for any other text."""
    statements = connection.extract_statements(sql)
    if not statements:
        raise RefusedError("empty")
    if [one.type.name for one in statements] != ["SELECT"]:
        raise RefusedError("statement")
    ((text,),) = connection.execute("select json_serialize_sql($1)", [sql]).fetchall()
    tree = json.loads(text)
    nodes = list(_nodes(tree))
    if tree.get("error", True) or any(n["type"] not in _READING_NODES for n in nodes if "cte_map" in n):
        raise RefusedError("statement")
    return nodes


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _with_hint(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name}\n{near[0]}" if near else name


def _load(connection: "duckdb.DuckDBPyConnection", request: dict[str, Any], named: set[str]) -> None:
    """The tables that are named, in memory: afterwards the cell needs no file at all."""
    import duckdb

    filtered = request["filtered"]
    bound = {**filtered["bound"], **{k: datetime.fromisoformat(v) for k, v in filtered["instants"].items()}}
    try:
        for table, content in request["tables"].items():
            paths = ", ".join("'" + path.replace("'", "''") + "'" for path in content["paths"])
            rows = f"select {', '.join(content['columns'])} from read_parquet([{paths}]) where {content['condition']}"
            is_needed = filtered["name"] in named and table in filtered["reads"]
            if table in named or is_needed:
                connection.execute(f"create table {table} as {rows}")
            if table == "leads":
                chosen = f"create table {filtered['name']} as {rows} and {filtered['condition']}"
        if filtered["name"] in named:
            connection.execute(chosen, bound)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise RefusedError("stale", type(error).__name__) from None


def _arrow_rows(relation: "duckdb.DuckDBPyRelation", rows: int, columns: int, result_bytes: int) -> tuple[bool, bytes]:
    """True if there are more than `rows`, and the first ones as an Arrow stream, in types that a table can show."""
    import pyarrow as pa

    if len(relation.columns) > columns:
        raise RefusedError("columns", str(columns))
    names = _distinct(relation.columns)
    selected = relation.project(
        ", ".join(
            f"{_shown(number, str(kind))} as {_quoted(name)}"
            for number, (name, kind) in enumerate(zip(names, relation.types, strict=True), start=1)
        )
    )
    reader = selected.to_arrow_reader(_BATCH_ROWS)
    batches, n_rows, n_bytes = [], 0, 0
    for batch in reader:
        batches.append(batch)
        n_rows += batch.num_rows
        n_bytes += batch.nbytes
        if n_bytes > result_bytes:
            raise RefusedError("result", str(result_bytes))
        if n_rows > rows:
            break
    table = _without_decimals(pa.Table.from_batches(batches, schema=reader.schema).slice(0, rows))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    stream = sink.getvalue().to_pybytes()
    if len(stream) > result_bytes:
        raise RefusedError("result", str(result_bytes))
    return n_rows > rows, stream


def _shown(number: int, kind: str) -> str:
    kind = kind.lower()
    if kind in _PLAIN_TYPES:
        return f"#{number}"
    return f"cast(#{number} as {_TYPES_BY_CAST.get(kind.partition('(')[0], 'varchar')})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _distinct(names: list[str]) -> list[str]:
    """The names, where one comes again with a number behind it."""
    distinct: list[str] = []
    taken: set[str] = set()
    for name in names:
        candidate, number = name, 1
        while candidate.lower() in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate.lower())
        distinct.append(candidate)
    return distinct


def _without_decimals(table: "pa.Table") -> "pa.Table":
    """Whole numbers of 128 bits, which is what a sum of whole numbers is, as 64 bits, or as floats where too large."""
    import pyarrow as pa

    for number, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            values = [None if value is None else int(value) for value in table.column(number).to_pylist()]
            try:
                column = pa.array(values, pa.int64())
            except (pa.ArrowInvalid, OverflowError):
                column = pa.array([None if value is None else float(value) for value in values], pa.float64())
            table = table.set_column(number, field.name, column)
    return table


def _in_words(connection: "duckdb.DuckDBPyConnection", error: Exception, sql: str, started: float) -> RefusedError:
    """The database's words about the SQL, and the line that they are about."""
    import duckdb

    if type(error).__name__ not in _QUOTED_ERRORS:
        return RefusedError("outside", type(error).__name__)
    words, _ = _parts(error)
    if words.startswith("Max expression depth"):
        return RefusedError("depth")
    # The answer is asked for within a statement of ours, whose positions say nothing. Planned as it stands, or run, it
    # fails at the same place. One that took long is not run again: its time would be up before its error was told.
    took_long = time.perf_counter() - started >= _SHORT_S
    for how in (_PLANNED,) if took_long else (_PLANNED, _RUN):
        try:
            connection.cursor().execute(how + sql)
        except duckdb.Error as again:
            again_words, place = _parts(again)
            if place is not None and again_words == words:
                return RefusedError("sql", words[:400], _line_at(sql, place - len(how)))
    return RefusedError("sql", words[:400])


def _parts(error: Exception) -> tuple[str, int | None]:
    words = re.sub(r"^[A-Za-z ]+ Error: ", "", str(error))
    try:
        told = json.loads(words)
        position = int(told["position"]) if "position" in told else None
        return str(told["exception_message"]).strip(), position
    except (ValueError, KeyError, TypeError):
        return words.strip(), None


def _line_at(sql: str, location: object) -> int | None:
    """The line of a byte of the text; None for what the parser did not place."""
    text = sql.encode()
    if not isinstance(location, int) or not 0 <= location <= len(text):
        return None
    return text[:location].count(b"\n") + 1


if __name__ == "__main__":
    main()
