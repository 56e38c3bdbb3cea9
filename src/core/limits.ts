/** Every bound of the service stands on this page: a loop, queue, retry or body without one here is a fault. */

/** A node id may not be longer, in UTF-8 bytes (spec §1). */
export const NODE_ID_MAX_BYTES = 200;
/** One name in a path, on every file system that matters. */
export const FOLDER_NAME_MAX_BYTES = 255;
/** Node ids that a process keeps taken apart. */
export const NODE_IDS_KEPT = 1_024;
/** Times lie strictly within ±2^43 seconds: what the core can address exactly. */
export const TIME_LIMIT_SEC = 2 ** 43;
/** An integer of this size or more is taken for milliseconds and refused (spec §1). */
export const LOOKS_LIKE_MS = 1e11;
/** Slots of one chunk (fingerprint.md). */
export const CHUNK_SLOTS = 4096;
/** An answer built in memory has at most this many slots (spec §19). */
export const UNPINNED_MAX_ROWS = 1_000_000;
/** JSON answers and lists without `limit` (surface §4). */
export const DEFAULT_PAGE_ROWS = 10_000;
/** The largest `limit` (surface §4). */
export const MAX_PAGE_ROWS = 100_000;
/** Gaps shown in the metadata; `gaps_total` counts all (surface §3). */
export const METADATA_MAX_GAPS = 1_000;
/** A cursor is good for so long (surface §4). */
export const CURSOR_TTL_MS = 15 * 60_000;
/** Requests of one `fetchMany` that run side by side. */
export const FETCH_MANY_CONCURRENCY = 4;
/** Calls to find a market's first bar, from any start (spec §16). */
export const LISTING_SEARCH_MAX_CALLS = 40;
/** A venue's reply larger than this is refused unread. */
export const REPLY_MAX_BYTES = 32 * 1024 * 1024;
/** Pages asked for one window before the window fails: a window is 900 bars, a page at least one. */
export const WINDOW_MAX_PAGES = 1_000;
/** Plans again on a new head before `PUBLISH_CONFLICT` (spec §8). */
export const PUBLISH_MAX_REPLANS = 10;
/** Reads to find the head of a log (spec §8: at 100,000 snapshots). */
export const LOG_SEARCH_MAX_READS = 80;
/** A publisher whose clock is further off its store's refuses (spec §8). */
export const PUBLISH_MAX_SKEW_MS = 10_000;
/** Newest entries that a manifest holds inline, per list (spec §8). */
export const MANIFEST_INLINE_MAX = 256;
/** Records of one chunk page, and entries of one JSON page (spec §8). */
export const CHUNK_PAGE_RECORDS = 256;
export const JSON_PAGE_ENTRIES = 4_096;
/** Bytes of stored chunks that a service keeps at hand, hot and published ones together. */
export const CHUNK_CACHE_BYTES = 40 * 1024 * 1024;
/** First chunks that stay at hand of a read that is longer than what is kept. */
export const LONG_READ_KEPT_CHUNKS = 16;
/** Nodes whose coverage a process keeps at hand. */
export const NODE_STATE_MAX = 256;
/** Windows of one job that are planned at a time: keeps memory flat over any range. */
export const PLAN_BLOCK_WINDOWS = 4_096;
/** Slots of one node that one fill may span: all seconds since 1970, or all minutes for four thousand years. */
export const FILL_MAX_SLOTS = 2_000_000_000;
/** Windows of one job that are fetched side by side, at most. */
export const WORKERS_MAX = 64;
/**
 * Windows that one request takes up for each that may be fetched: while one is fetched the next stands in line, or
 * whoever is less urgent would get each place that is given back.
 */
export const HANDS_PER_PLACE = 2;
/** Waiting callers of one rate-limit gate; more are refused with `OVERLOADED`. */
export const GATE_QUEUE_MAX = 100_000;
/** Wait for somebody else's lease: from … to, doubling (spec §14). */
export const LEASE_POLL_MIN_MS = 250;
export const LEASE_POLL_MAX_MS = 2_000;
/** Leases of one window that a fetch may lose before it gives the window up. */
export const LEASE_LOSSES_MAX = 3;
/** Times that a window is planned anew because its rows showed another grid: twice where the first rows mislead. */
export const GRID_ROUNDS_MAX = 3;
/** Jobs are kept for a week; an idempotency key means the same job for a day (surface §4). */
export const JOB_KEPT_MS = 7 * 86_400_000;
export const IDEMPOTENCY_MS = 86_400_000;
/** Largest request body over HTTP. */
export const BODY_MAX_BYTES = 1024 * 1024;
/** An answer up to this size leaves as one buffer; a longer one is streamed. */
export const ONE_BUFFER_BYTES = 256 * 1024;
/** Bytes of an artifact that are read and sent at a time. */
export const ARTIFACT_PIECE_BYTES = 1024 * 1024;
/** Nodes of one backfill, and requests of one validation, over HTTP. */
export const BATCH_MAX_ITEMS = 1_000;
/** Events kept for clients that come back, events waiting for one slow client, and clients that listen. */
export const SSE_KEPT_EVENTS = 1_024;
export const SSE_QUEUE_MAX = 2_048;
export const SSE_CLIENTS_MAX = 256;
/** An event stream says so often that it is alive. */
export const SSE_HEARTBEAT_MS = 15_000;
/** SIGTERM: drained for at most so long (spec §19). */
export const DRAIN_MAX_MS = 20_000;
/** Seconds after which an absent slot is asked again: 10 min, 1 h, 1 d, 7 d, then monthly (spec §4). */
export const ABSENT_REASK_SEC = [600, 3_600, 86_400, 7 * 86_400, 30 * 86_400] as const;
/** `not_listed` is asked again weekly (spec §4). */
export const NOT_LISTED_REASK_SEC = 7 * 86_400;
/** A configuration file: its bytes, and the depth and number of values in it. */
export const CONFIG_MAX_BYTES = 1024 * 1024;
export const CONFIG_MAX_DEPTH = 32;
export const CONFIG_MAX_NODES = 100_000;
/** 429/418 answers in a row that one call sits out before it fails: a ban that never ends must not hang a fill. */
export const PENALTIES_MAX = 20;
/** The longest pause between two attempts of one call. */
export const RETRY_BACKOFF_CAP_MS = 30_000;
/** Symbols absent together that make an outage of the venue (spec §4). */
export const OUTAGE_MIN_SYMBOLS = 3;
/** Nodes of one venue that are looked at for an outage. */
export const OUTAGE_MAX_NODES = 200;
/** Turns in a row in which all attempts of a venue's windows may fail before a job gives the venue up. */
export const VENUE_FAILED_TURNS_MAX = 3;
/** Errors that a job reports; further ones are counted only. */
export const JOB_MAX_ERRORS = 100;
/** Writes that the embedded store commits together at most. */
export const STORE_BATCH_MAX = 64;
/** Chunks that a long read loads from the embedded store before it lets others run. */
export const READ_SLICE_CHUNKS = 32;
/** How long SQLite waits for another process's write lock: the writing thread, and the thread that reads. */
export const SQLITE_WRITE_WAIT_MS = 5_000;
export const SQLITE_READ_WAIT_MS = 1_000;
/** Pages of the write-ahead log that are moved into the file at a time: 16 MiB, since chunks are rewritten as they grow. */
export const SQLITE_CHECKPOINT_PAGES = 4_096;
/** The write-ahead log is cut back to this size once it was checkpointed. */
export const SQLITE_JOURNAL_BYTES = 64 * 1024 * 1024;
/** A manifest's size, for ten years of 1m bars with 100,000 gaps (spec §8); its lists move into pages to keep to it. */
export const MANIFEST_MAX_BYTES = 64 * 1024;
/** Chunks of the largest segment that publication writes: about 5 MB; compaction joins further. */
export const SEGMENT_MAX_CHUNKS = 64;
/** Rows of one row group that are read: our own hold a chunk. What says that it has more is not believed. */
export const ROW_GROUP_MAX_ROWS = 1_024 * CHUNK_SLOTS;
/** Threads that verification spreads files over. */
export const PROVER_THREADS_MAX = 4;
/** A file up to this size is handed to a thread whole. */
export const PROVEN_WHOLE_MAX_BYTES = 64 * 1024 * 1024;
/** Manifests, by their bytes, and pages, by their entries, that a process keeps at hand. */
export const MANIFEST_CACHE_BYTES = 16 * 1024 * 1024;
export const PAGE_CACHE_ENTRIES = 500_000;
/** Segments whose footers a process keeps at hand. */
export const SEGMENT_SOURCES_MAX = 16;
/** Manifests that a walk over a log reads at a time, and files that are looked at together. */
export const LOG_READS_AT_ONCE = 8;
/** Pause before a publisher that lost a race plans again: up to so long, doubling. */
export const PUBLISH_BACKOFF_MS = 20;
/** A venue's ban is believed up to a week: a longer one is a time in the wrong unit. */
export const PENALTY_MAX_MS = 7 * 86_400_000;
/** Days that one condition report covers. */
export const RANGE_MAX_DAYS = 4_000;
/** Nodes of one backfill job. */
export const JOB_NODES_MAX = 1_000;
/** The lease of the process that runs a job; and how often a service looks for jobs that nobody runs any more. */
export const JOB_LEASE_MS = 60_000;
export const JOB_LOOK_EVERY_MS = 5_000;
/** A running job's progress is written at most this often. */
export const JOB_STORE_EVERY_MS = 500;
/** Newest snapshots whose lost files `publish` writes again. */
export const MENDED_SNAPSHOTS_MAX = 20;
/** Newest snapshots that `explain` looks through. */
export const EXPLAIN_MAX_SNAPSHOTS = 20;
/** A venue's clock further off than this is warned about (spec §16). */
export const SKEW_WARN_MS = 5_000;
/** Rows that a frame waits for before it takes them in: 48 MB beside its own. */
export const JOINED_AT_ONCE_ROWS = 1_048_576;
/** Between two looks at bars that a venue has not shown yet (`ensureCoverage`). */
export const ENSURE_POLL_MS = 2_000;
/** Answers that the server knows by heart: bytes of all that is kept of them, and the longest question among them. */
export const BY_HEART_MAX_BYTES = 8 * 1024 * 1024;
export const BY_HEART_KEY_MAX_CHARS = 2_048;
/** Questions of which the server knows that they came before. */
export const BY_HEART_HEARD = 1_024;
/** How long a live answer may rely on the newest snapshot it saw, in case that another process published. */
export const HEAD_FRESH_MS = 100;
/** Published chunks that could not be read are not tried again for so long; an artifact store that was away neither. */
export const UNREADABLE_KEPT_MS = 60_000;
export const ARTIFACTS_AWAY_MS = 1_000;
/** Times that an answer is begun anew because a published chunk turned out unreadable: each time it is asked for elsewhere. */
export const REREADS_MAX = 3;
/** Cuts of one chunk whose digests are kept: different ranges that end in the same chunk. */
export const CHUNK_CUTS_KEPT = 8;
/** Fingerprints of answers that are kept, and the chunks of the longest answer whose fingerprint is. */
export const FINGERPRINTS_KEPT = 1_024;
export const FINGERPRINT_KEY_CHUNKS = 4;
/** What a look at storage may take when the deadline of its request is due: the answer must leave all the same. */
export const LAST_LOOK_MS = 25;
/** How long before a deadline its answer is made ready: enough for some hundred of them that leave together. */
export const NEAR_END_MS = 100;
/** Rows of a page whose text is made before its deadline: some 50 bytes each, for every caller that waits. */
export const REHEARSED_MAX_ROWS = 10_000;
/** Such work pauses so often: whoever is due is served then. */
export const REHEARSED_AT_A_TIME_MS = 5;
/** Venues whose windows a process counts; names that no exchange has must not pile up. */
export const VENUES_MAX = 256;
/** Worlds and nodes whose last `as_of` a process remembers between writes. */
export const AS_OF_KNOWN_MAX = 4_096;
