"""Counts the commands that the driver sends to the database."""

from __future__ import annotations

from pymongo import monitoring

from taskmgr.metrics.instruments import DATABASE_COMMANDS


class CommandCounter(monitoring.CommandListener):
    """Counts the commands of each client that is opened after `monitoring.register`."""

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Does nothing: a command is counted when it has ended."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Counts a command that the server executed; its reply may contain errors of single writes."""
        DATABASE_COMMANDS.labels(event.command_name, "success").inc()

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Counts a command that failed, or to which no reply came."""
        DATABASE_COMMANDS.labels(event.command_name, "failure").inc()


def count_commands() -> None:
    """Counts the commands of all clients that are opened from now on."""
    monitoring.register(CommandCounter())
