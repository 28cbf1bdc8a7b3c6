"""`make bench`: ours beside the bare database and two peers, in turn, on the same data.

All servers run the whole time, and only the measured one is busy. Every round measures every call on every
server, so that other load on the machine affects all of them alike.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import data, keeping, tables
from benchmarks.calls import CALLS, LIST, USERS, Call, NotThere, Server
from benchmarks.measure import Figures, Table, measure, median
from benchmarks.picture import Group, bars
from benchmarks.servers import OURS, PEERS, Place, filled, ours, peer
from benchmarks.targets import COMPARED, judged

COLUMNS = {**PEERS, OURS: "taskmgr"}
LABELS = {name: label for name, (label, _) in CALLS.items()}
_COUNTED_BY_OURS = {"counts", "wip_room"}  # of users with tasks; the textbook and FastAPI leave them out


def main() -> None:
    options = _options()
    with keeping.data_folder(options.data) as folder:
        table = _measured(folder, options)
    report = _report(table, options)
    print(f"\n{report}")
    keeping.keep(
        "compare",
        report,
        _picture(table),
        table,
        run={name: getattr(options, name) for name in ("tasks", "rounds", "seconds", "connections")},
        docs=options.docs,
    )


def _options() -> argparse.Namespace:
    parser = keeping.parser(__doc__)
    parser.add_argument("--tasks", type=int, default=100_000, help="of a hundredth as many users (100000)")
    return parser.parse_args()


def _measured(folder: Path, options: argparse.Namespace) -> Table:
    with filled(folder, options.tasks) as place, ExitStack() as stack:
        servers = [stack.enter_context(ours(place))]
        servers += [stack.enter_context(peer(name, place, n)) for n, name in enumerate(PEERS, start=1)]
        _require_same_answers(servers)
        return _rounds(servers, place, options)


def _require_same_answers(servers: list[Server]) -> None:
    """Raises `AssertionError` unless all servers return the same tasks, order and fields."""
    for path in (LIST, USERS, f"/api/v1/tasks/{data.task_id(0)}"):
        shapes = {server.name: _shape(server.fetch(path)[2]) for server in servers}
        for name, shape in shapes.items():
            if shape != shapes[OURS]:
                raise AssertionError(f"{path}: {name} answers {shape}\nand taskmgr {shapes[OURS]}")


def _shape(answer: dict[str, Any]) -> Any:
    """Returns the ids of the items in a response, and the names of their fields."""
    items = answer.get("items", [answer])
    return [
        (
            item["id"],
            sorted(set(item) - _COUNTED_BY_OURS),
            [(task["id"], sorted(task)) for task in item.get("tasks", ())],
        )
        for item in items
    ]


def _rounds(servers: list[Server], place: Place, options: argparse.Namespace) -> Table:
    chosen = options.only.split(",") if options.only else list(CALLS)
    found: dict[str, dict[str, list[Figures]]] = defaultdict(lambda: defaultdict(list))
    for number in range(1, options.rounds + 1):
        for call in chosen:
            for server in servers:
                one = _one(server, CALLS[call][1], place, options)
                if one is not None:
                    found[call][server.name].append(one)
        print(f"round {number} of {options.rounds} is done", flush=True)
    return {call: {name: median(row[name]) for name in COLUMNS if name in row} for call, row in found.items()}


def _one(server: Server, call: Call, place: Place, options: argparse.Namespace) -> Figures | None:
    try:
        load = call(server, options.connections, options.tasks // data.TASKS_PER_USER)
    except NotThere:
        return None
    return measure(server, load, place.mongod, seconds=options.seconds)


def _report(table: Table, options: argparse.Namespace) -> str:
    run = (
        f"{options.tasks:,} tasks, medians of {options.rounds} rounds of {options.seconds:g} s, "
        f"{options.connections} connections, one worker each; {keeping.machine()}."
    )
    return "\n\n".join(
        [
            run,
            "CPU milliseconds a request, of the service's processes without the database's:",
            tables.figures(table, LABELS, COLUMNS, tables.cpu_and_spread),
            "As a multiple of the floor:",
            tables.ratios(table, LABELS, COLUMNS, base="floor"),
            "Requests a second:",
            tables.figures(table, LABELS, COLUMNS, tables.rate),
            "What it must reach:",
            tables.verdicts(judged(COMPARED, table)),
        ]
    )


def _picture(table: Table) -> str:
    groups = [
        Group(LABELS[call], {name: one.cpu for name, one in row.items()}) for call, row in table.items()
    ]
    return bars("CPU milliseconds a request", COLUMNS, groups)


if __name__ == "__main__":
    main()
