"""What mails about items of an inbox say, as text and as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from taskmgr.domain.model.inbox import News, NewsKind
from taskmgr.domain.model.task import TaskName

_SENTENCES: Mapping[NewsKind, str] = {
    NewsKind.ASSIGNED: "{who} assigned the task to you.",
    NewsKind.MENTIONED: "{who} mentioned you.",
    NewsKind.COMMENTED: "{who} commented.",
    NewsKind.CLOSED: "{who} closed the task: {status}.",
    NewsKind.MOVED: "{who} moved the task to {status}.",
    NewsKind.UNBLOCKED: "{who} completed the last task that this one was waiting for.",
    NewsKind.DUE_SOON: "The task is due within 24 hours: {due_date}.",
    NewsKind.OVERDUE: "The task is overdue: it was due on {due_date}.",
}
_MAX_TITLE = 150  # in a subject

Footer = Sequence[tuple[str, str | None]]  # sentences and the links that belong to them


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The news about one task in a mail: the sentences, and the texts of the comments behind them."""

    task: TaskName
    url: str | None
    lines: Sequence[tuple[str, str | None]]


def sentence(news: News, who: str) -> str:
    """Returns what happened as a sentence."""
    return _SENTENCES[news.kind].format(who=who, status=news.status, due_date=news.due_date)


def section_of(
    news: Sequence[News],
    task: TaskName,
    *,
    who: str,
    comments: Mapping[str, str],
    public_url: str | None,
) -> Section:
    """Returns the section about some news about a task."""
    url = None if public_url is None else f"{public_url}/tasks/{task.key or task.id}"
    lines = [(sentence(each, who), comments.get(each.comment_id or "")) for each in news]
    return Section(task=task, url=url, lines=lines)


def subject_of(sections: Sequence[Section], *, daily: bool) -> str:
    """Returns the subject: the task's name, the same in all mails about it, or the number of tasks."""
    if daily:
        count = len({section.task.id for section in sections})
        return f"Your tasks: news about {count} task{'' if count == 1 else 's'}"
    task = sections[0].task
    return f"[{task.key or task.id}] {task.title[:_MAX_TITLE]}"


def text_of(sections: Sequence[Section], footer: Footer) -> str:
    """Returns the mail as plain text."""
    blocks = []
    for section in sections:
        lines = [f"{section.task.key or section.task.id} {section.task.title}"]
        for line, comment in section.lines:
            lines.append(f"- {line}")
            lines += [f"  > {row}" for row in (comment or "").splitlines()]
        if section.url:
            lines.append(section.url)
        blocks.append("\n".join(lines))
    end = "".join(f"{text}: {url}\n" if url else f"{text}\n" for text, url in footer)
    return "\n\n".join([*blocks, f"-- \n{end}"])


def html_of(sections: Sequence[Section], footer: Footer) -> str:
    """Returns the mail as an HTML document without anything to load."""
    body = "".join(map(_html_of_section, sections))
    head = '<!DOCTYPE html><html><head><meta charset="utf-8"></head>'
    end = "<br>".join(_html_of_link(*each) for each in footer)
    return f"{head}<body>{body}<hr><p>{end}</p></body></html>"


def _html_of_section(section: Section) -> str:
    heading = _html_of_link(f"{section.task.key or section.task.id} {section.task.title}", section.url)
    return f"<h3>{heading}</h3><ul>{''.join(_html_of_line(*line) for line in section.lines)}</ul>"


def _html_of_line(line: str, comment: str | None) -> str:
    quoted = f"<blockquote>{escape(comment).replace(chr(10), '<br>')}</blockquote>" if comment else ""
    return f"<li>{escape(line)}{quoted}</li>"


def _html_of_link(text: str, url: str | None) -> str:
    return f'<a href="{escape(url)}">{escape(text)}</a>' if url else escape(text)
