"""`make bench-scale`: how the cost of ours grows with the data, tasks a user staying the same.

Each size has a database server and a service of its own, all of them running throughout: a round
measures a call on every size before the next call, so that noise hits all alike. What grows, grows
in the database, so its processors' time is told beside the service's.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from benchmarks import data, keeping, tables
from benchmarks.calls import API, CALLS, LIST, Call, Load, NotThere, Server, same
from benchmarks.measure import Figures, Table, WrongAnswers, measure, median
from benchmarks.picture import Group, bars
from benchmarks.servers import Place, filled, ours
from benchmarks.targets import judged, scaled
from benchmarks.vocabulary import RARE_WORD

ALL_BY_DUE_DATE = f"{API}/tasks?sort=due_date&limit=50"
_PAGE = 1_000
_LONGEST_PAGE = 200


def page_1000(server: Server, connections: int, _: int) -> Load:
    """The page that a client comes to by following `next` 999 times."""
    left, cursor = 50 * (_PAGE - 1), ""
    while left:
        limit = min(left, _LONGEST_PAGE)
        path = ALL_BY_DUE_DATE.replace("limit=50", f"limit={limit}")
        _, _, page = server.fetch(f"{path}&cursor={cursor}" if cursor else path)
        if page["next"] is None:
            raise NotThere
        cursor = quote(page["next"])
        left -= limit
    return same(f"{ALL_BY_DUE_DATE}&cursor={cursor}")(server, connections, 0)


_GROWING: dict[str, tuple[str, str]] = {
    "total": ("list of 50, total=true", f"{LIST}&total=true"),
    "q_rare": ("q= a word in 0.2 % of the tasks", f"{API}/tasks?q={RARE_WORD}&limit=50"),
    "q_common": ("q= a word in a third of the tasks", f"{API}/tasks?q=invoice&limit=50"),
    "q_sorted": ("the same, newest first", f"{API}/tasks?q=invoice&sort=-created_at&limit=50"),
    "stats": ("GET /stats", f"{API}/stats"),
}
# What must stay flat, by several connections; what may grow, by one.
FLAT: dict[str, tuple[str, Call]] = {
    **CALLS,
    "page_1": ("page 1 of all by due date", same(ALL_BY_DUE_DATE)),
    "page_1000": ("page 1,000 by cursor", page_1000),
}
GROWING: dict[str, tuple[str, Call]] = {name: (label, same(path)) for name, (label, path) in _GROWING.items()}
LABELS = {name: label for name, (label, _) in {**FLAT, **GROWING}.items()}


@dataclass(frozen=True)
class Size:
    """So many tasks, and the service over them."""

    tasks: int
    place: Place
    server: Server

    @property
    def name(self) -> str:
        return f"{self.tasks:,}"


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        folder = stack.enter_context(keeping.data_folder(options.data))
        sizes = [_started(stack, folder, tasks) for tasks in sorted(options.sizes)]
        table = _rounds(sizes, options)
    columns = {size.name: f"{size.name} tasks" for size in sizes}
    report = _report(table, columns, options)
    print(f"\n{report}")
    keeping.keep(
        "scale",
        report,
        _picture(table, columns),
        table,
        run={name: getattr(options, name) for name in ("sizes", "rounds", "seconds", "connections")},
        docs=options.docs,
    )


def _options() -> argparse.Namespace:
    parser = keeping.parser(__doc__)
    parser.add_argument(
        "--sizes",
        type=lambda text: [int(size) for size in text.split(",")],
        default=[10_000, 100_000, 1_000_000],
        help="numbers of tasks (10000,100000,1000000)",
    )
    return parser.parse_args()


def _started(stack: ExitStack, folder: Path, tasks: int) -> Size:
    place = stack.enter_context(filled(folder, tasks))
    return Size(tasks, place, stack.enter_context(ours(place)))


def _rounds(sizes: list[Size], options: argparse.Namespace) -> Table:
    found: dict[str, dict[str, list[Figures]]] = defaultdict(lambda: defaultdict(list))
    chosen = options.only.split(",") if options.only else [*FLAT, *GROWING]
    loads = {(call, size): _load(call, size, options) for call in chosen for size in sizes}
    for number in range(1, options.rounds + 1):
        for (call, size), load in loads.items():
            one = _one(call, size, load, options)
            if one is not None:
                found[call][size.name].append(one)
        print(f"round {number} of {options.rounds} is done", flush=True)
    return {call: {name: median(rounds) for name, rounds in row.items()} for call, row in found.items()}


def _load(call: str, size: Size, options: argparse.Namespace) -> Load | None:
    """What is sent; None, with a line that says so, where the service has no such call."""
    if call in GROWING:
        status, _, answer = size.server.fetch(_GROWING[call][1])
        if status != 200:
            print(f"{LABELS[call]}, {size.name} tasks: not there ({status}: {answer and answer['detail']})")
            return None
    connections = 1 if call in GROWING else options.connections
    try:
        return {**FLAT, **GROWING}[call][1](size.server, connections, size.tasks // data.TASKS_PER_USER)
    except NotThere:
        return None


def _one(call: str, size: Size, load: Load | None, options: argparse.Namespace) -> Figures | None:
    if load is None:
        return None
    if call.startswith("unchanged"):  # what was written meanwhile has made the validator an old one
        load = FLAT[call][1](size.server, options.connections, size.tasks // data.TASKS_PER_USER)
    try:
        return measure(size.server, load, size.place.mongod, seconds=options.seconds)
    except WrongAnswers as wrong:
        print(f"{LABELS[call]}, {size.name} tasks: {wrong}")
        return None


def _report(table: Table, columns: dict[str, str], options: argparse.Namespace) -> str:
    least, *_, most = columns
    run = (
        f"100 tasks a user, medians of {options.rounds} rounds of {options.seconds:g} s, "
        f"{options.connections} connections (one from `total` on), one worker; {keeping.machine()}."
    )
    return "\n\n".join(
        [
            run,
            "CPU milliseconds a request, of the service:",
            tables.figures(table, LABELS, columns, tables.cpu),
            "CPU milliseconds a request, of the database:",
            tables.figures(table, LABELS, columns, tables.mongod_cpu),
            "Milliseconds until the answer is there, median / 99th percentile:",
            tables.figures(table, LABELS, columns, tables.waits),
            "What it must reach:",
            tables.verdicts(judged(scaled(least, most), table)),
        ]
    )


def _picture(table: Table, columns: dict[str, str]) -> str:
    groups = [
        Group(LABELS[call], {name: one.cpu + one.mongod_cpu for name, one in table[call].items()})
        for call in FLAT
        if call in table
    ]
    return bars("CPU milliseconds a request, service and database together", columns, groups)


if __name__ == "__main__":
    main()
