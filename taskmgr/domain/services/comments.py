"""Reads and changes comments. Viewers cannot write them; authors, managers and admins can change them."""

from __future__ import annotations

from dataclasses import dataclass

from taskmgr.domain.model import parsing, values
from taskmgr.domain.model.clock import time_of_change
from taskmgr.domain.model.comment import Comment
from taskmgr.domain.model.errors import NotFound, NotPermitted, Refused
from taskmgr.domain.model.user import Actor, require_actor
from taskmgr.domain.ports.commands import Clock, NewId
from taskmgr.domain.ports.store import Store
from taskmgr.domain.queries.pages import Page, PageRequest
from taskmgr.domain.rules import permissions
from taskmgr.domain.rules.permissions import Action
from taskmgr.domain.rules.project_rules import archived
from taskmgr.domain.services.journal import Journal
from taskmgr.domain.services.versions import require_version

_PARSERS = {"text": values.comment_text, **values.OPTION_PARSERS}


@dataclass(frozen=True, slots=True)
class CommentService:
    """Reads and changes comments. A comment on a task in the bin is not found.

    Commands raise `Refused` with `project_archived` for a task in an archived project.
    """

    store: Store
    journal: Journal
    clock: Clock
    new_id: NewId

    def list(self, task_id: str, page_request: PageRequest = PageRequest(), *, by: Actor) -> Page[Comment]:
        """Returns a page of a task's comments, oldest first. Raises `NotFound`."""
        permissions.require(by, Action.READ)
        return self.store.comments.find(self.store.tasks.get(task_id).id, page_request)

    def get(self, task_id: str, comment_id: str, *, by: Actor) -> Comment:
        """Returns a comment on a task. Raises `NotFound` for either."""
        permissions.require(by, Action.READ)
        return self._of_task(task_id, comment_id)[1]

    def create(self, task_id: str, *, text: str, by: Actor, dry_run: bool = False) -> Comment:
        """Creates a comment on a task and returns it."""
        text = parsing.parse_fields({"text": text, "dry_run": dry_run}, _PARSERS)["text"]
        comment_id = self.new_id()

        def command() -> Comment:
            task = self.store.tasks.get(task_id)
            permissions.require(by, Action.COMMENT)
            self._require_active(task.project)
            now = self.clock()
            comment = Comment(
                id=comment_id, task_id=task.id, author_id=require_actor(by).id, text=text, created_at=now,
                updated_at=now, version=1,
            )  # fmt: skip
            self.store.comments.add(comment)
            self.journal.record("comment.created", None, comment, by=by, project=task.project)
            return comment

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def change(
        self,
        task_id: str,
        comment_id: str,
        *,
        text: str,
        by: Actor,
        version: int | None = None,
        dry_run: bool = False,
    ) -> Comment:
        """Replaces a comment's text. The same text changes nothing."""
        raw = {"text": text, "version": version, "dry_run": dry_run}
        text = parsing.parse_fields(raw, _PARSERS)["text"]

        def command() -> Comment:
            project, before = self._for_change(task_id, comment_id, by, version)
            if before.text == text:
                return before
            after = before.rewritten(text, now=time_of_change(self.clock, before))
            self.store.comments.replace(after)
            self.journal.record("comment.changed", before, after, by=by, project=project)
            return after

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def delete(
        self, task_id: str, comment_id: str, *, by: Actor, version: int | None = None, dry_run: bool = False
    ) -> Comment:
        """Deletes a comment and returns it. The log keeps its text."""
        values.parse_options(version=version, dry_run=dry_run)

        def command() -> Comment:
            project, before = self._for_change(task_id, comment_id, by, version)
            self.store.comments.remove(before)
            gone = before.rewritten("", now=time_of_change(self.clock, before))
            self.journal.record("comment.deleted", before, gone, by=by, project=project)
            return before

        return self.store.unit_of_work.run(command, dry_run=dry_run)

    def _for_change(
        self, task_id: str, comment_id: str, by: Actor, version: int | None
    ) -> tuple[str, Comment]:
        """Returns the key of the task's project, and the comment."""
        project, comment = self._of_task(task_id, comment_id)
        permissions.require(by, Action.COMMENT)  # an author may have lost this right
        if comment.author_id != require_actor(by).id and not permissions.permits(by, Action.CHANGE_COMMENTS):
            raise NotPermitted("Only its author, a manager or an admin can change a comment.")
        require_version(comment, version)
        self._require_active(project)
        return project, comment

    def _require_active(self, key: str) -> None:
        """Raises `Refused` if the project is archived."""
        project = self.store.projects.get_many([key]).get(key)
        if project is not None and project.is_archived:
            effect = "comments on its tasks cannot be written or changed"
            raise Refused([archived(project, effect, "or move the task to another project")])

    def _of_task(self, task_id: str, comment_id: str) -> tuple[str, Comment]:
        task = self.store.tasks.get(task_id)
        comment = self.store.comments.get(comment_id)
        if comment.task_id != task.id:
            raise NotFound("comment", comment_id)
        return task.project, comment
