"""Measures how the cost of a request grows with the data, at 100 tasks per user (`make bench-scale`).

Each size has a database server and a service of its own, and all of them run the whole time. A round
measures a call on every size before the next call, so that other load on the machine affects all
sizes alike. The CPU time of the database is reported too, because most of the growth happens there.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from benchmarks import data, results, tables
from benchmarks.calls import API, CALLS, LIST, Call, Load, NotSupported, Server, same
from benchmarks.measure import Figures, Table, UnexpectedStatus, measure, median
from benchmarks.picture import Group, bars
from benchmarks.servers import MongoServer, filled_mongodb, our_server
from benchmarks.targets import growth_targets, judge
from benchmarks.vocabulary import RARE_WORD

ALL_BY_DUE_DATE = f"{API}/tasks?sort=due_date&limit=50"
_PAGE = 1_000
_MAX_LIMIT = 200


def page_1000(server: Server, connections: int, _: int) -> Load:
    """Requests the page that a client reaches by following `next` 999 times."""
    remaining, cursor = 50 * (_PAGE - 1), ""
    while remaining:
        limit = min(remaining, _MAX_LIMIT)
        path = ALL_BY_DUE_DATE.replace("limit=50", f"limit={limit}")
        _, _, page = server.fetch(f"{path}&cursor={cursor}" if cursor else path)
        if page["next"] is None:
            raise NotSupported
        cursor = quote(page["next"])
        remaining -= limit
    return same(f"{ALL_BY_DUE_DATE}&cursor={cursor}")(server, connections, 0)


_GROWING: dict[str, tuple[str, str]] = {
    "total": ("list of 50, total=true", f"{LIST}&total=true"),
    "q_rare": ("search, word in 0.2 % of the tasks", f"{API}/tasks?q={RARE_WORD}&limit=50"),
    "q_common": ("search, word in a third of the tasks", f"{API}/tasks?q=invoice&limit=50"),
    "q_sorted": ("search sorted by date, same word", f"{API}/tasks?q=invoice&sort=-created_at&limit=50"),
    "stats": ("GET /stats", f"{API}/stats"),
}
# FLAT calls must not cost more with more data; GROWING ones may, and are measured with one connection.
FLAT: dict[str, tuple[str, Call]] = {
    **CALLS,
    "page_1": ("page 1 of all by due date", same(ALL_BY_DUE_DATE)),
    "page_1000": ("page 1,000 by cursor", page_1000),
}
GROWING: dict[str, tuple[str, Call]] = {name: (label, same(path)) for name, (label, path) in _GROWING.items()}
LABELS = {name: label for name, (label, _) in {**FLAT, **GROWING}.items()}


@dataclass(frozen=True)
class Size:
    """A number of tasks, and the service that runs on them."""

    tasks: int
    mongo: MongoServer
    server: Server

    @property
    def name(self) -> str:
        return f"{self.tasks:,}"


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        folder = stack.enter_context(results.data_folder(options.data))
        sizes = [_start_size(stack, folder, tasks) for tasks in sorted(options.sizes)]
        table = _measure_rounds(sizes, options)
    columns = {size.name: f"{size.name} tasks" for size in sizes}
    report = _report(table, columns, options)
    print(f"\n{report}")
    results.save(
        "scale",
        report,
        _picture(table, columns),
        table,
        run={name: getattr(options, name) for name in ("sizes", "rounds", "seconds", "connections")},
        docs=options.docs,
    )


def _options() -> argparse.Namespace:
    parser = results.parser(__doc__)
    parser.add_argument(
        "--sizes",
        type=lambda text: [int(size) for size in text.split(",")],
        default=[10_000, 100_000, 1_000_000],
        help="numbers of tasks (10000,100000,1000000)",
    )
    return parser.parse_args()


def _start_size(stack: ExitStack, folder: Path, tasks: int) -> Size:
    mongo = stack.enter_context(filled_mongodb(folder, tasks))
    return Size(tasks, mongo, stack.enter_context(our_server(mongo)))


def _measure_rounds(sizes: list[Size], options: argparse.Namespace) -> Table:
    rounds: dict[str, dict[str, list[Figures]]] = defaultdict(lambda: defaultdict(list))
    calls = options.only.split(",") if options.only else [*FLAT, *GROWING]
    loads = {(call, size): _load(call, size, options) for call in calls for size in sizes}
    for number in range(1, options.rounds + 1):
        for (call, size), load in loads.items():
            figures = _measure_call(call, size, load, options)
            if figures is not None:
                rounds[call][size.name].append(figures)
        print(f"Finished round {number} of {options.rounds}.", flush=True)
    return {call: {name: median(figures) for name, figures in row.items()} for call, row in rounds.items()}


def _load(call: str, size: Size, options: argparse.Namespace) -> Load | None:
    """Returns the requests to send. If the call is not supported, prints a line and returns None."""
    if call in GROWING:
        status, _, body = size.server.fetch(_GROWING[call][1])
        if status != 200:
            print(f"{LABELS[call]}, {size.name} tasks: not supported ({status}: {body and body['detail']})")
            return None
    connections = 1 if call in GROWING else options.connections
    try:
        return {**FLAT, **GROWING}[call][1](size.server, connections, size.tasks // data.TASKS_PER_USER)
    except NotSupported:
        return None


def _measure_call(call: str, size: Size, load: Load | None, options: argparse.Namespace) -> Figures | None:
    if load is None:
        return None
    if call.startswith("unchanged"):  # the writes of other calls have changed the ETag
        load = FLAT[call][1](size.server, options.connections, size.tasks // data.TASKS_PER_USER)
    try:
        return measure(size.server, load, size.mongo.pid, seconds=options.seconds)
    except UnexpectedStatus as error:
        print(f"{LABELS[call]}, {size.name} tasks: {error}")
        return None


def _report(table: Table, columns: dict[str, str], options: argparse.Namespace) -> str:
    smallest, *_, largest = columns
    run = (
        f"100 tasks per user, medians of {options.rounds} rounds of {options.seconds:g} s, "
        f"{options.connections} connections (one from `total` on), one worker; {results.machine()}."
    )
    return "\n\n".join(
        [
            run,
            "CPU milliseconds per request, of the service:",
            tables.figures(table, LABELS, columns, tables.cpu),
            "CPU milliseconds per request, of the database:",
            tables.figures(table, LABELS, columns, tables.mongod_cpu),
            "Latency in milliseconds, median / 99th percentile:",
            tables.figures(table, LABELS, columns, tables.waits),
            "Targets:",
            tables.verdicts(judge(growth_targets(smallest, largest), table)),
        ]
    )


def _picture(table: Table, columns: dict[str, str]) -> str:
    groups = [
        Group(LABELS[call], {name: figures.cpu + figures.mongod_cpu for name, figures in table[call].items()})
        for call in FLAT
        if call in table
    ]
    return bars("CPU milliseconds per request, service and database together", columns, groups)


if __name__ == "__main__":
    main()
