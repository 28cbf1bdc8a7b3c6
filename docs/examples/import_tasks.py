"""Imports tasks from a spreadsheet, one task per row, and reports the results.

    python import_tasks.py tasks.csv            imports
    python import_tasks.py tasks.csv --check    reports mistakes in the rows and stores nothing

An invalid row is skipped. If the rules refuse the assignee or the status of a row, its task is imported
as far as they allow, and the reasons are printed. The exit status is 1 if either happened.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter

import taskmgr
from taskmgr import Actor, Invalid, Refused, Services, Task

REASON = "Imported from the old spreadsheet"


class Import:
    """One run of the import. `counts` has the number of rows by outcome."""

    def __init__(self, services: Services, by: Actor, *, check: bool) -> None:
        self.services = services
        self.by = by
        self.check = check
        self.counts: Counter[str] = Counter()

    def row(self, line: int, row: dict[str, str]) -> None:
        """Imports one row, or prints why it cannot be imported."""
        try:
            assignee = self.assignee(row)
            task = self.create(row)
        except Refused as refused:
            self.report("refused", line, row, refused)
            return
        except (Invalid, ValueError) as error:
            self.report("invalid", line, row, error)
            return
        self.counts["created"] += 1
        if self.check:
            return
        try:
            if assignee is not None:
                self.services.tasks.assign(task.id, assignee_id=assignee, by=self.by)
                self.counts["assigned"] += 1
            if self.move(task, row["status"] or task.status):
                self.counts["moved"] += 1
        except (Invalid, Refused) as error:
            self.report("stopped", line, row, error)

    def assignee(self, row: dict[str, str]) -> str | None:
        """Returns the id of the row's assignee, or None. Raises `ValueError` if there is no such user."""
        name = row["assignee"]
        if not name:
            return None
        ids = self.services.users.find_keys([name], by=self.by)
        if name not in ids:
            raise ValueError(f"Unknown user: {name}.")
        return ids[name]

    def create(self, row: dict[str, str]) -> Task:
        """Creates the task in the initial status of the workflow, without an assignee."""
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
        """Moves a task along the transitions of the workflow; returns False if it is there already."""
        workflow = self.services.policy.workflow
        current = task.status
        while current != status:
            step = workflow.next_status_towards(current, status) or status
            moved = self.services.tasks.change_status(task.id, status=step, reason=REASON, by=self.by)
            current = moved.status
        return current != task.status

    def report(self, outcome: str, line: int, row: dict[str, str], error: Exception) -> None:
        self.counts[outcome] += 1
        if isinstance(error, Refused):
            reasons = "; ".join(f"{reason.code}: {reason.detail}" for reason in error.reasons)
        elif isinstance(error, Invalid):
            reasons = "; ".join(f"{each.location}: {each.detail}" for each in error.errors)
        else:
            reasons = str(error)
        print(f"line {line} ({outcome}): {row['title'].strip()[:40]}: {reasons}", file=sys.stderr)


def main(file: str, *, check: bool) -> int:
    with taskmgr.connect() as services, open(file, encoding="utf-8", newline="") as csv_file:
        run = Import(services, services.system("import"), check=check)
        rows = csv.DictReader(csv_file)
        for row in rows:
            run.row(rows.line_num, row)
    for outcome in ("created", "assigned", "moved", "stopped", "refused", "invalid"):
        print(f"{outcome:>8} {run.counts[outcome]:5}")
    return 1 if run.counts["stopped"] or run.counts["refused"] or run.counts["invalid"] else 0


if __name__ == "__main__":
    files = [word for word in sys.argv[1:] if word != "--check"]
    if len(files) != 1:
        sys.exit(__doc__)
    sys.exit(main(files[0], check="--check" in sys.argv))
