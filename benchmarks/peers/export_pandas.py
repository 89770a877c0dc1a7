"""The same leads by pandas: `PARQUET FORMAT FILE`, one JSON line at the end. Its clock runs while it writes."""

import json
import sys
import time

import pandas as pd


def main():
    source, fmt, path = sys.argv[1:]
    frame = pd.read_parquet(source)
    began, cpu_began = time.perf_counter(), time.process_time()
    if fmt == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, compression="zstd")
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    print(json.dumps({"rows": len(frame), "seconds": seconds, "cpu_s": cpu_s}))


if __name__ == "__main__":
    main()
