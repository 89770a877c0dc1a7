"""The script that people write: page after page with requests, a list, a data frame, a table."""

import json
import sys
from pathlib import Path

import duckdb
import pandas as pd
import requests

url, token, folder = sys.argv[1:]
session = requests.Session()
session.headers["Authorization"] = f"Bearer {token}"
rows = []
page = 1
while page is not None:
    answer = session.get(f"{url}/v1/leads", params={"page": page, "perPage": 50}, timeout=30)
    answer.raise_for_status()
    body = answer.json()
    rows.extend(body["data"])
    page = body["pagination"]["nextPage"]
leads = pd.json_normalize(rows)
with duckdb.connect(str(Path(folder) / "sequential.duckdb")) as connection:
    connection.execute("create or replace table leads as select * from leads")
print(json.dumps({"leads": len(leads)}))
