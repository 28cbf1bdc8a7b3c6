"""Brings tasks from a spreadsheet into taskmgr, one row a task, and says what became of each.

    python import_tasks.py tasks.csv            imports
    python import_tasks.py tasks.csv --check    only says what is wrong with the rows; keeps nothing

A row that is not acceptable is left out. A task that the rules do not let become what its row says
is imported as far as they let it, and the reasons are printed. The exit status is 1 if either
happened.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter

import taskmgr
from taskmgr import Actor, Invalid, Refused, Services, Task

REASON = "Imported from the old spreadsheet"


class Import:
    """One run. `done` counts what happened, by name."""

    def __init__(self, services: Services, by: Actor, *, check: bool) -> None:
        self.services = services
        self.by = by
        self.check = check
        self.done: Counter[str] = Counter()

    def row(self, line: int, row: dict[str, str]) -> None:
        """Imports one row, or prints why not."""
        try:
            assignee = self.assignee(row)
            task = self.create(row)
        except Refused as refused:
            self.tell("refused", line, row, refused)
            return
        except (Invalid, ValueError) as error:
            self.tell("invalid", line, row, error)
            return
        self.done["created"] += 1
        if self.check:
            return
        try:
            if assignee is not None:
                self.services.tasks.assign(task.id, assignee_id=assignee, by=self.by)
                self.done["assigned"] += 1
            if self.move(task, row["status"] or task.status):
                self.done["moved"] += 1
        except (Invalid, Refused) as error:
            self.tell("stopped", line, row, error)

    def assignee(self, row: dict[str, str]) -> str | None:
        """The id of the row's assignee, if it names one."""
        name = row["assignee"]
        if not name:
            return None
        found = self.services.users.find_keys([name], by=self.by)
        if name not in found:
            raise ValueError(f"There is no user {name}.")
        return found[name]

    def create(self, row: dict[str, str]) -> Task:
        """The task as it begins: in the workflow's initial status, assigned to nobody."""
        return self.services.tasks.create(
            title=row["title"],
            description=row["description"],
            priority=row["priority"] or None,
            due_date=row["due_date"] or None,
            labels=[label for label in row["labels"].split(";") if label],
            by=self.by,
            dry_run=self.check,
        )

    def move(self, task: Task, status: str) -> bool:
        """Moves a task step by step, since no rule may be jumped over; whether it had to move."""
        workflow = self.services.policy.workflow
        here = task.status
        while here != status:
            step = workflow.next_on_the_way(here, status) or status
            here = self.services.tasks.change_status(task.id, status=step, reason=REASON, by=self.by).status
        return here != task.status

    def tell(self, outcome: str, line: int, row: dict[str, str], error: Exception) -> None:
        self.done[outcome] += 1
        if isinstance(error, Refused):
            why = "; ".join(f"{reason.code}: {reason.detail}" for reason in error.reasons)
        elif isinstance(error, Invalid):
            why = "; ".join(f"{each.location}: {each.detail}" for each in error.errors)
        else:
            why = str(error)
        print(f"line {line} ({outcome}): {row['title'].strip()[:40]}: {why}", file=sys.stderr)


def main(file: str, *, check: bool) -> int:
    with taskmgr.connect() as services, open(file, encoding="utf-8", newline="") as csv_file:
        run = Import(services, services.system("import"), check=check)
        rows = csv.DictReader(csv_file)
        for row in rows:
            run.row(rows.line_num, row)
    for outcome in ("created", "assigned", "moved", "stopped", "refused", "invalid"):
        print(f"{outcome:>8} {run.done[outcome]:5}")
    return 1 if run.done["stopped"] or run.done["refused"] or run.done["invalid"] else 0


if __name__ == "__main__":
    files = [word for word in sys.argv[1:] if word != "--check"]
    if len(files) != 1:
        sys.exit(__doc__)
    sys.exit(main(files[0], check="--check" in sys.argv))
