"""SFP-1 from the page alone: recomputes a snapshot's fingerprint from its segments with pyarrow and hashlib.

Usage: recompute_fingerprint.py ROOT MANIFEST_URI
"""

import hashlib
import json
import struct
import sys

import numpy as np
import pyarrow.parquet as pq

SCHEMA = ["ts:i64", "open:f64", "high:f64", "low:f64", "close:f64", "volume:f64"]


def tagged(name, body):
    tag = f"seamless.fingerprint.v1/{name}".encode().ljust(64, b"\0")
    return hashlib.sha256(tag + body).digest()


def canonical(values):
    values = values.astype("<f8") + 0.0
    bits = values.view("<u8").copy()
    bits[np.isnan(values)] = 0x7FF8000000000000
    return bits.tobytes()


def main(root, manifest_uri):
    with open(f"{root}/{manifest_uri}") as file:
        manifest = json.load(file)
    step, anchor = manifest["grid"]["step"], manifest["grid"]["anchor"]
    names = [column.split(":")[0] for column in SCHEMA]
    tables = [pq.read_table(f"{root}/{segment['uri']}", partitioning=None) for segment in manifest["segments"]]
    columns = {name: np.concatenate([table[name].to_numpy() for table in tables]) for name in names}
    order = np.argsort(columns["ts"], kind="stable")
    columns = {name: column[order] for name, column in columns.items()}
    chunk_of = (columns["ts"] - anchor) // step // 4096
    digests = []
    for k in np.unique(chunk_of):
        rows = chunk_of == k
        leaves = [tagged("leaf", columns["ts"][rows].astype("<i8").tobytes())]
        leaves += [tagged("leaf", canonical(columns[name][rows])) for name in names[1:]]
        digests.append(tagged("chunk", struct.pack("<qII", k, rows.sum(), len(SCHEMA)) + b"".join(leaves)))
    meta = json.dumps({
        "conformance_version": manifest["conformance_version"],
        "interval": manifest["interval"],
        "node_id": manifest["node_id"],
        "range": manifest["range"],
        "schema": SCHEMA,
    }, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    root_digest = tagged("root", b"".join(digests) + meta + struct.pack("<QQ", len(meta), len(digests)))
    print(json.dumps({"fingerprint": f"sfp1:{root_digest.hex()}", "chunks": [digest.hex() for digest in digests]}))


main(*sys.argv[1:])
