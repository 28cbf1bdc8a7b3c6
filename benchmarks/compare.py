"""Compares taskmgr with the bare driver and FastAPI + Beanie on the same data (`make bench`).

All servers run the whole time, and only the measured one is busy. Every round measures every call on every
server, so that other load on the machine affects all of them alike.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import data, results, tables
from benchmarks.calls import API, CALLS, LIST, USERS, Call, NotSupported, Server
from benchmarks.measure import Figures, Table, measure, median
from benchmarks.picture import Group, bars
from benchmarks.servers import OURS, PEERS, MongoServer, filled_mongodb, our_server, peer_server
from benchmarks.targets import COMPARISON_TARGETS, judge

COLUMNS = {**PEERS, OURS: "taskmgr"}
LABELS = {name: label for name, (label, _) in CALLS.items()}
# Fields of users with tasks that only taskmgr and the floor return.
_OPTIONAL_FIELDS = {"counts", "wip_room"}


def main() -> None:
    options = _options()
    with results.data_folder(options.data) as folder:
        table = _measure_all(folder, options)
    report = _report(table, options)
    print(f"\n{report}")
    results.save(
        "compare",
        report,
        _picture(table),
        table,
        run={name: getattr(options, name) for name in ("tasks", "rounds", "seconds", "connections")},
        docs=options.docs,
    )


def _options() -> argparse.Namespace:
    parser = results.parser(__doc__)
    parser.add_argument(
        "--tasks", type=int, default=100_000, help="number of tasks; there are 100 per user (100000)"
    )
    return parser.parse_args()


def _measure_all(folder: Path, options: argparse.Namespace) -> Table:
    with filled_mongodb(folder, options.tasks) as mongo, ExitStack() as stack:
        servers = [stack.enter_context(our_server(mongo))]
        servers += [stack.enter_context(peer_server(name, mongo, n)) for n, name in enumerate(PEERS, start=1)]
        require_same_answers({server.name: server.fetch for server in servers})
        return _measure_rounds(servers, mongo, options)


def require_same_answers(fetches: Mapping[str, Callable[[str], Any]]) -> None:
    """Raises `AssertionError` unless all servers return the same tasks, order and fields.

    `fetches` has for each server, by name, the function that returns a status, headers and a body.
    """
    for path in (LIST, USERS, f"{API}/tasks/{data.task_id(0)}"):
        shapes = {name: _shape(fetch(path)[2]) for name, fetch in fetches.items()}
        for name, shape in shapes.items():
            if shape != shapes[OURS]:
                raise AssertionError(f"{path}: {name} returned\n{shape}\nand taskmgr\n{shapes[OURS]}")


def _shape(body: dict[str, Any]) -> Any:
    """Returns the ids of the items in a response, and the names of their fields."""
    items = body.get("items", [body])
    return [
        (
            item["id"],
            sorted(set(item) - _OPTIONAL_FIELDS),
            [(task["id"], sorted(task)) for task in item.get("tasks", ())],
        )
        for item in items
    ]


def _measure_rounds(servers: list[Server], mongo: MongoServer, options: argparse.Namespace) -> Table:
    calls = options.only.split(",") if options.only else list(CALLS)
    rounds: dict[str, dict[str, list[Figures]]] = defaultdict(lambda: defaultdict(list))
    for number in range(1, options.rounds + 1):
        for call in calls:
            for server in servers:
                figures = _measure_call(server, CALLS[call][1], mongo, options)
                if figures is not None:
                    rounds[call][server.name].append(figures)
        print(f"Finished round {number} of {options.rounds}.", flush=True)
    return {
        call: {name: median(row[name]) for name in COLUMNS if name in row} for call, row in rounds.items()
    }


def _measure_call(
    server: Server, call: Call, mongo: MongoServer, options: argparse.Namespace
) -> Figures | None:
    try:
        load = call(server, options.connections, options.tasks // data.TASKS_PER_USER)
    except NotSupported:
        return None
    return measure(server, load, mongo.pid, seconds=options.seconds)


def _report(table: Table, options: argparse.Namespace) -> str:
    run = (
        f"{options.tasks:,} tasks, medians of {options.rounds} rounds of {options.seconds:g} s, "
        f"{options.connections} connections, one worker each; {results.machine()}."
    )
    return "\n\n".join(
        [
            run,
            "CPU milliseconds per request, of the process that answers:",
            tables.figures(table, LABELS, COLUMNS, tables.cpu_and_spread),
            "CPU milliseconds per request, of taskmgr's background process:",
            tables.figures(table, LABELS, {OURS: COLUMNS[OURS]}, tables.background_cpu),
            "As a multiple of the floor:",
            tables.ratios(table, LABELS, COLUMNS, base="floor"),
            "Requests per second:",
            tables.figures(table, LABELS, COLUMNS, tables.rate),
            "Targets:",
            tables.verdicts(judge(COMPARISON_TARGETS, table)),
        ]
    )


def _picture(table: Table) -> str:
    groups = [
        Group(LABELS[call], {name: figures.cpu for name, figures in row.items()})
        for call, row in table.items()
    ]
    return bars("CPU milliseconds per request", COLUMNS, groups)


if __name__ == "__main__":
    main()
