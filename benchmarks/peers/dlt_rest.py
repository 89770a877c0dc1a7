"""dlt's rest_api source into DuckDB: as its documents show it, or tuned (`dlt_rest.py documented|tuned …`)."""

import json
import os
import sys

how, url, token, folder = sys.argv[1:]
os.environ["DLT_DATA_DIR"] = folder
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
if how == "tuned":
    # No tables for nested lists, Parquet instead of insert statements, one worker a core.
    os.environ["NORMALIZE__WORKERS"] = str(os.cpu_count())
    os.environ["DATA_WRITER__FILE_MAX_ITEMS"] = "50000"
    os.environ["NORMALIZE__LOADER_FILE_FORMAT"] = "parquet"

import dlt  # noqa: E402  # it reads its settings while it is imported
from dlt.sources.rest_api import rest_api_source  # noqa: E402


def main() -> None:
    source = rest_api_source({
        "client": {
            "base_url": f"{url}/v1/",
            "auth": {"type": "bearer", "token": token},
            "paginator": {"type": "page_number", "base_page": 1, "page_param": "page",
                          "total_path": "pagination.totalPages"},
        },
        "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
        "resources": [{
            "name": "leads",
            "endpoint": {"path": "leads", "params": {"perPage": 50}, "data_selector": "data"},
            **({"max_table_nesting": 0} if how == "tuned" else {}),
        }],
    })  # fmt: skip
    pipeline = dlt.pipeline(
        f"leads_{how}", destination=dlt.destinations.duckdb(f"{folder}/dlt_{how}.duckdb"), dataset_name="portal"
    )
    pipeline.run(source)
    with pipeline.sql_client() as client, client.execute_query("select count(*) from leads") as found:
        print(json.dumps({"leads": found.fetchone()[0]}))


if __name__ == "__main__":
    main()
