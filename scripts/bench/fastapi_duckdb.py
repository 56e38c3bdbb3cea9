"""The yardstick of the Arrow stream: FastAPI over DuckDB, on the bars that Seamless published. Prints its address."""

import socket
import sys

import duckdb
import pyarrow as pa
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

db = duckdb.connect()
db.sql(f"CREATE TABLE bars AS SELECT ts, open, high, low, close, volume FROM '{sys.argv[1]}/**/*.parquet' ORDER BY ts")
app = FastAPI()


class Sink:
    """Keeps what is written until it is taken."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.closed = False

    def write(self, data) -> int:
        self.parts.append(bytes(data))
        return len(self.parts[-1])

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = b"".join(self.parts)
        self.parts.clear()
        return taken


@app.get("/bars")
def bars(start: int, end: int) -> StreamingResponse:
    def stream():
        query = f"SELECT * FROM bars WHERE ts >= {start} AND ts < {end} ORDER BY ts"
        reader = db.cursor().sql(query).to_arrow_reader(65_536)
        sink = Sink()
        with pa.ipc.new_stream(sink, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
                yield sink.take()
        yield sink.take()

    return StreamingResponse(stream(), media_type="application/vnd.apache.arrow.stream")


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
