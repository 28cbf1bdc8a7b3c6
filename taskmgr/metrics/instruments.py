"""The metrics of the service. `docs/operations.md` describes them."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

from taskmgr import tally
from taskmgr.version import __version__

# Seconds. Most requests take 2 to 20 ms, and the database's deadline is 8 seconds.
_DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NO_ROUTE = "none"  # the route of a request that matched none: paths are chosen by clients
OTHER_METHOD = "other"

REQUESTS = Counter("taskmgr_http_requests", "Requests answered.", ["method", "route", "status"])
DURATIONS = Histogram(
    "taskmgr_http_request_seconds", "Time until the response begins.", ["method", "route"], buckets=_DURATIONS
)
IN_PROGRESS = Gauge(
    "taskmgr_http_requests_in_progress", "Requests being worked on.", multiprocess_mode="livesum"
)
EVENT_STREAMS = Gauge("taskmgr_event_streams", "Event streams open.", multiprocess_mode="livesum")
OVERLOAD_REFUSALS = Counter(
    "taskmgr_overload_refusals", "Requests refused because a worker had too many at once."
)
REFUSALS = Counter("taskmgr_refusals", "Commands that a rule refused, by the rule's code.", ["code"])
SIGN_INS = Counter(
    "taskmgr_sign_ins", "Attempts to sign in; the outcome is success or an error code.", ["method", "outcome"]
)
IDENTITY_LOOKUPS = Counter(
    "taskmgr_identity_lookups", "Tokens and sessions looked up, by whether the cache had them.", ["result"]
)
RECORD_LOOKUPS = Counter(
    "taskmgr_record_lookups", "Tasks shown in lists, by whether the cache had their JSON.", ["result"]
)
DATABASE_COMMANDS = Counter(
    "taskmgr_database_commands", "Commands sent to the database.", ["command", "outcome"]
)
TRANSACTION_RETRIES = Counter(
    "taskmgr_transaction_retries", "Transactions that ran again because of another writer."
)
PROCESS_STARTS = Counter("taskmgr_process_starts", "Processes that the service started.", ["process"])
BUILD = Gauge("taskmgr_build_info", "Always 1.", ["version", "python"], multiprocess_mode="max")

# Set by the process that does the background work.
TASKS = Gauge("taskmgr_tasks", "Tasks outside the bin.", ["status"], multiprocess_mode="livemostrecent")
OPEN_TASKS = Gauge("taskmgr_open_tasks", "Tasks that are not done.", multiprocess_mode="livemostrecent")
OVERDUE_TASKS = Gauge("taskmgr_overdue_tasks", "Open tasks past due.", multiprocess_mode="livemostrecent")
DATABASE_AVAILABLE = Gauge(
    "taskmgr_database_available", "1 if the database accepted the last write, or 0.",
    multiprocess_mode="livemostrecent",
)  # fmt: skip
FEED_POSITION = Gauge(
    "taskmgr_feed_position", "The number of the feed's last entry.", multiprocess_mode="livemostrecent"
)
FEED_LAG = Gauge(
    "taskmgr_feed_lag_entries", "Entries of the log that the feed does not have yet, at most 10,000.",
    multiprocess_mode="livemostrecent",
)  # fmt: skip
FEED_LAG_SECONDS = Gauge(
    "taskmgr_feed_lag_seconds", "Age of the oldest of these entries.", multiprocess_mode="livemostrecent"
)
WEBHOOK_DELIVERIES = Counter("taskmgr_webhook_deliveries", "Attempts to deliver a message.", ["outcome"])
DATA_FREE = Gauge(
    "taskmgr_data_free_bytes", "Free space on the disk of the embedded database.",
    multiprocess_mode="livemostrecent",
)  # fmt: skip

_TALLIED: Mapping[str, Counter] = {
    tally.TRANSACTION_RETRIES: TRANSACTION_RETRIES,
    tally.RECORD_HITS: RECORD_LOOKUPS.labels("hit"),
    tally.RECORD_MISSES: RECORD_LOOKUPS.labels("miss"),
}


def begin(process: str) -> None:
    """Counts the start of a process of the service: a worker, or the background process."""
    BUILD.labels(__version__, platform.python_version()).set(1)
    PROCESS_STARTS.labels(process).inc()


def collect_tally() -> None:
    """Adds what this process has tallied."""
    for name, number in tally.collect().items():
        _TALLIED[name].inc(number)
