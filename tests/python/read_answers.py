"""Reads one HTTP answer in every format with the tools that people have, and prints what they see as JSON."""

import hashlib
import io
import json
import sys
import urllib.request

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

url, folder = sys.argv[1:]
COLUMNS = ["ts", "open", "high", "low", "close", "volume"]


def body(form):
    with urllib.request.urlopen(f"{url}&format={form}") as response:
        return response.read()


def digest(table):
    """SHA-256 over the columns' bytes, one after the other: equal only for equal bits."""
    sha = hashlib.sha256()
    for name in COLUMNS:
        sha.update(table[name].combine_chunks().to_numpy(zero_copy_only=False).tobytes())
    return sha.hexdigest()


def types(table):
    return {field.name: str(field.type) for field in table.schema}


arrow = pyarrow.ipc.open_stream(body("arrow")).read_all()
arrow.validate(full=True)
path = f"{folder}/answer.parquet"
with open(path, "wb") as file:
    file.write(body("parquet"))
parquet = pyarrow.parquet.read_table(path)
statistics = pyarrow.parquet.ParquetFile(path).metadata.row_group(0).column(0).statistics
stream = polars.read_ipc_stream(io.BytesIO(body("arrow")))
frame = pandas.read_csv(io.BytesIO(body("csv")))
lines = [json.loads(line) for line in body("ndjson").decode().splitlines()]
(count, total) = duckdb.sql(f"select count(*), sum(volume) from '{path}'").fetchall()[0]

print(json.dumps({
    "rows": {
        "pyarrow stream": arrow.num_rows,
        "pyarrow parquet": parquet.num_rows,
        "polars stream": stream.height,
        "polars parquet": polars.read_parquet(path).height,
        "pandas csv": len(frame),
        "pandas parquet": len(pandas.read_parquet(path)),
        "ndjson": len(lines),
        "duckdb parquet": count,
    },
    "types": {"arrow": types(arrow), "parquet": types(parquet)},
    "digests": [digest(arrow), digest(parquet), digest(stream.to_arrow()), digest(pyarrow.Table.from_pandas(frame))],
    "metadata": {
        "arrow": arrow.schema.metadata[b"seamless"].decode(),
        "parquet": parquet.schema.metadata[b"seamless"].decode(),
    },
    "statistics": [statistics.min, statistics.max, statistics.null_count],
    "volume": [total, sum(line["volume"] for line in lines)],
}))
