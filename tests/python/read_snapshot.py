"""Reads one snapshot with one tool, knowing no more than its manifest, and prints what it saw as JSON.

Usage: read_snapshot.py duckdb|polars|pyarrow|pandas ROOT MANIFEST_URI FROM_TS TO_TS
"""

import hashlib
import json
import sys

COLUMNS = ["ts", "open", "high", "low", "close", "volume"]


def with_duckdb(files, lo, hi):
    import duckdb

    con = duckdb.connect()
    scan = con.read_parquet(files, hive_partitioning=True)
    con.register("bars", scan)
    types = {name: str(kind).lower() for name, kind in zip(scan.columns, scan.types)}
    rows = con.sql("SELECT ts, open, high, low, close, volume FROM bars ORDER BY ts").fetchnumpy()
    part = con.sql(f"SELECT count(*) FROM bars WHERE ts >= {lo} AND ts < {hi}").fetchall()[0][0]
    hive = con.sql("SELECT DISTINCT exchange, symbol, timeframe FROM bars").fetchall()
    return {name: rows[name].filled(float("nan")) if hasattr(rows[name], "filled") and name != "ts" else rows[name]
            for name in COLUMNS}, types, part, [list(row) for row in hive]


def with_polars(files, lo, hi):
    import polars as pl

    scan = pl.scan_parquet(files, hive_partitioning=True)
    frame = scan.sort("ts").collect()
    types = {name: str(kind).lower() for name, kind in frame.schema.items()}
    part = scan.filter((pl.col("ts") >= lo) & (pl.col("ts") < hi)).collect().height
    hive = frame.select("exchange", "symbol", "timeframe").unique().rows()
    return {name: frame[name].to_numpy() for name in COLUMNS}, types, part, [list(row) for row in hive]


def with_pyarrow(files, lo, hi):
    import pyarrow.dataset as ds

    data = ds.dataset(files, format="parquet", partitioning=ds.partitioning(flavor="hive"))
    table = data.to_table().sort_by("ts")
    types = {field.name: str(field.type).lower() for field in data.schema}
    wanted = (ds.field("ts") >= lo) & (ds.field("ts") < hi)
    part = data.count_rows(filter=wanted)
    total = sum(len(fragment.row_groups) for fragment in data.get_fragments())
    read = sum(len(fragment.subset(wanted).row_groups) for fragment in data.get_fragments(wanted))
    if not 0 < read < total:
        raise SystemExit(f"bounds of row groups do not prune: {read} of {total} would be read")
    hive = {tuple(str(table[name][i]) for name in ("exchange", "symbol", "timeframe")) for i in range(table.num_rows)}
    return {name: table[name].to_numpy() for name in COLUMNS}, types, part, [list(row) for row in hive]


def with_pandas(files, lo, hi):
    import pandas as pd

    frame = pd.concat([pd.read_parquet(file, partitioning=None) for file in files]).sort_values("ts")
    types = {name: str(kind).lower() for name, kind in frame.dtypes.items()}
    part = int(((frame["ts"] >= lo) & (frame["ts"] < hi)).sum())
    return {name: frame[name].to_numpy() for name in COLUMNS}, types, part, []


def main(tool, root, manifest_uri, lo, hi):
    with open(f"{root}/{manifest_uri}") as file:
        manifest = json.load(file)
    files = [f"{root}/{segment['uri']}" for segment in manifest["segments"]]
    columns, types, part, hive = globals()[f"with_{tool}"](files, int(lo), int(hi))
    kinds = {name: "<i8" if name == "ts" else "<f8" for name in COLUMNS}
    digests = {
        name: hashlib.sha256(columns[name].astype(kinds[name]).tobytes()).hexdigest() for name in COLUMNS
    }
    print(json.dumps({
        "rows": len(columns["ts"]),
        "types": {name: types[name] for name in COLUMNS},
        "digests": digests,
        "part": part,
        "hive": hive,
    }))


main(*sys.argv[1:])
