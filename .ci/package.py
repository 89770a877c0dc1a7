"""leadlib as installed by itself, without the app's packages: a store opens, and a metric has its figure."""

import importlib.util
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import leadlib
from leadlib.store import Store

assert "site-packages" in str(leadlib.__file__), "not the installed one"
for name in ("streamlit", "starlette", "uvicorn", "jwt"):
    assert importlib.util.find_spec(name) is None, name
assert (Path(leadlib.__file__).parent / "py.typed").exists()

with TemporaryDirectory() as folder:
    Store.open(Path(folder), timezone=ZoneInfo("Asia/Dubai"), portal="test").close()
    with leadlib.open(folder) as store:
        assert store.metric("leads").frame["leads"].tolist() == [0]
        assert store.metric("response_rate", by="channel").figure().layout.annotations
        assert store.leads().empty
print("leadlib by itself: a store opens, and a metric has its figure")
