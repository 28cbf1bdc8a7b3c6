"""Prints the open tasks as a board: a column for each status, the most important tasks on top.

python board.py
"""

from __future__ import annotations

from itertools import zip_longest

from rich import box
from rich.console import Console
from rich.table import Table

import taskmgr
from taskmgr import OPEN, Priority, Services, Sort, Task, TaskQuery

STYLES = {Priority.URGENT: "bold red", Priority.HIGH: "yellow", Priority.MEDIUM: "", Priority.LOW: "dim"}
ORDER = (Sort("priority", descending=True), Sort("due_date"))


def board(services: Services) -> Table:
    """Returns the board; each card has the title, the assignee and the due date."""
    by = services.system("board")
    names = {user.id: user.name for user in services.users.iterate(by=by)}
    columns: dict[str, list[str]] = {name: [] for name in services.policy.workflow.in_category(*OPEN)}
    for task in services.tasks.iterate(TaskQuery(categories=OPEN, sort=ORDER), by=by):
        columns[task.status].append(card(task, names.get(task.assignee_id or "", "unassigned")))
    table = Table(*(f"{name} ({len(cards)})" for name, cards in columns.items()), box=box.SIMPLE, expand=True)
    for row in zip_longest(*columns.values(), fillvalue=""):
        table.add_row(*row)
    return table


def card(task: Task, assignee: str) -> str:
    style = STYLES[task.priority]
    title = f"{task.key} {task.title}".replace("[", r"\[")
    title = f"[{style}]{title}[/]" if style else title
    due = f", due {task.due_date}" if task.due_date else ""
    return f"{title}\n[dim]{assignee}{due}[/]\n"


if __name__ == "__main__":
    with taskmgr.connect() as connected:
        Console().print(board(connected))
