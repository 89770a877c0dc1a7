"""One export of ours as a program: `FOLDER FORMAT FILE`, one JSON line at the end. Without personal columns."""

import json
import sys
import time
from pathlib import Path

from benchmarks.made_leads import open_store
from leadlib.export import export_leads
from leadlib.filters import Filters


def main() -> None:
    folder, fmt, path = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    with open_store(folder) as store:
        began, cpu_began = time.perf_counter(), time.process_time()
        done = export_leads(store, Filters(), fmt, path)  # type: ignore[arg-type]
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    print(json.dumps({"rows": done.rows, "seconds": seconds, "cpu_s": cpu_s}))


if __name__ == "__main__":
    main()
