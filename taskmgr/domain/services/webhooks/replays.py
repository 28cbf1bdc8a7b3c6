"""Decides which part of the feed is sent to a webhook again."""

from __future__ import annotations

from taskmgr.domain.model import parsing
from taskmgr.domain.model.errors import FieldError, Invalid
from taskmgr.domain.ports.webhooks import Replay, StoredWebhook

MAX_SEQ = 2**53 - 1  # JSON's integers in other languages


def _seq(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise parsing.BadValue("wrong_type", "Must be a whole number.")
    if not 0 <= value <= MAX_SEQ:
        raise parsing.BadValue("out_of_range", f"Must be a whole number from 0 to {MAX_SEQ}.")
    return value


REPLAY_PARSERS = {"since": _seq, "until": parsing.optional(_seq)}


def replay_of(stored: StoredWebhook, *, since: int, until: int | None) -> Replay:
    """Returns what is to be replayed, together with a replay that is still running.

    Entries after the webhook's position are sent in any case. Raises `Invalid` if `since` is not before it.
    """
    end = stored.position if until is None else min(until, stored.position)
    if since >= end:
        what = "`until`" if until == end else "the number up to which changes have been sent"
        detail = f"Must be less than {end}, which is {what}."
        raise Invalid([FieldError(location="since", code="out_of_range", detail=detail)])
    running = stored.replay
    if running is None:
        return Replay(after=since, until=end)
    return Replay(after=min(since, running.after), until=max(end, running.until))
