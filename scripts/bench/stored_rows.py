"""The yardsticks of the library: stored bars read into numpy columns of their own, by what else could hold them.

Usage: python stored_rows.py FOLDER STORED READ

Prints one JSON object: milliseconds (the median of warm rounds) by name. ArcticDB is among them where it is installed.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

ROUNDS = 30
WARM_ROUNDS = 10
FIRST_TS = 1_600_000_000
STEP = 60

folder = Path(sys.argv[1])
stored, read = int(sys.argv[2]), int(sys.argv[3])


def made_bars() -> pa.Table:
    """A random walk with volumes, seeded."""
    random = np.random.default_rng(7)
    walk = 30_000 + random.normal(size=stored).cumsum()
    columns = {name: np.round(walk + random.random(stored), 2) for name in ["open", "high", "low", "close"]}
    times = FIRST_TS + STEP * np.arange(stored, dtype=np.int64)
    return pa.table({"ts": times, **columns, "volume": np.round(10 * random.random(stored), 5)})


bars = made_bars()


def span(i: int) -> tuple[int, int]:
    """Another range in each round, half-open, so that no answer of the round before is at hand."""
    start = FIRST_TS + STEP * (stored - read) // 2
    return start + STEP * i, start + STEP * read


def arrow_mapped():
    path = folder / "bars.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, bars.schema) as writer:
        writer.write_table(bars, max_chunksize=65_536)

    def answer(start: int, end: int):
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
            rows = table.slice((start - FIRST_TS) // STEP, (end - start) // STEP)
            return {name: rows[name].to_numpy() for name in rows.column_names}

    return answer


def duckdb_table():
    db = duckdb.connect(str(folder / "bars.duckdb"))
    db.sql("CREATE TABLE stored AS SELECT * FROM bars")
    question = "SELECT * FROM stored WHERE ts >= ? AND ts < ? ORDER BY ts"
    return lambda start, end: db.execute(question, [start, end]).fetchnumpy()


def polars_parquet():
    path = folder / "bars.parquet"
    pq.write_table(bars, path, compression="zstd", row_group_size=65_536)
    within = lambda start, end: (pl.col("ts") >= start) & (pl.col("ts") < end)
    return lambda start, end: pl.scan_parquet(path).filter(within(start, end)).collect()


def arcticdb_symbol():
    import arcticdb
    import pandas as pd

    library = arcticdb.Arctic(f"lmdb://{folder / 'arctic'}").get_library("bars", create_if_missing=True)
    frame = bars.to_pandas()
    frame.index = pd.to_datetime(frame.pop("ts"), unit="s")
    library.write("stored", frame)
    at = lambda ts: pd.Timestamp(ts, unit="s")
    # Both ends of ArcticDB's ranges are inside.
    return lambda start, end: library.read("stored", date_range=(at(start), at(end - STEP))).data


def median_ms(answer) -> float:
    took = []
    for i in range(ROUNDS):
        begun = time.perf_counter()
        rows = answer(*span(i))
        took.append(1_000 * (time.perf_counter() - begun))
        length = len(rows["ts"]) if isinstance(rows, dict) else len(rows)
        if length != read - i:
            raise ValueError(f"{length} rows of {read - i}")
    return statistics.median(took[WARM_ROUNDS:])


figures = {}
for name, make in {
    "a mapped Arrow file": arrow_mapped,
    "DuckDB": duckdb_table,
    "Polars over Parquet": polars_parquet,
    "ArcticDB": arcticdb_symbol,
}.items():
    try:
        figures[name] = median_ms(make())
    except ModuleNotFoundError as error:
        if error.name != "arcticdb":
            raise
print(json.dumps(figures))
