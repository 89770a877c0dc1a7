"""What a query gives, as pandas has it."""

import pandas as pd
import pyarrow as pa


def frame_of(table: pa.Table) -> pd.DataFrame:
    """The same columns and rows; whole numbers stay whole, as Int64 where some are missing."""
    columns = dict(zip(table.column_names, table.columns, strict=True))
    for name, column in columns.items():
        if pa.types.is_decimal(column.type) and column.type.scale == 0:
            columns[name] = column.cast(pa.int64())  # DuckDB sums whole numbers into 128 bits
    # In one go, and without threads, which take longer to start than a small result takes to convert.
    frame: pd.DataFrame = pa.table(columns).to_pandas(date_as_object=False, use_threads=False)
    for name, column in columns.items():
        if pa.types.is_integer(column.type) and column.null_count:
            frame[name] = column.to_pandas(types_mapper=lambda _: pd.Int64Dtype())
    return frame
