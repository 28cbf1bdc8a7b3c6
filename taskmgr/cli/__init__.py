"""The command line, `taskmgr`: one module per command or group, and how errors become messages.

These modules import nothing heavy until a command runs, so that `--help` is quick and `serve` can patch
the standard library before anything opens a socket. What commands share is in `services.py` (the services
and who acts) and `output.py` (tables, JSON, errors).
"""

from __future__ import annotations

import io
import sys

import click

import taskmgr
from taskmgr import exception_text
from taskmgr.cli.background import background
from taskmgr.cli.db import db
from taskmgr.cli.demo import demo
from taskmgr.cli.doctor import doctor
from taskmgr.cli.log import log
from taskmgr.cli.output import error_text, show_error
from taskmgr.cli.projects import projects
from taskmgr.cli.serve import serve
from taskmgr.cli.tokens import tokens
from taskmgr.cli.users import users
from taskmgr.cli.webhooks import webhooks
from taskmgr.domain.model.errors import CannotStart, DomainError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(taskmgr.__version__, prog_name="taskmgr")
def commands() -> None:
    """A task-management service for internal teams.

    Settings are environment variables, TASKMGR_…. Without TASKMGR_MONGODB_URI, all commands and
    the running service share a database in the data folder, which is started when it is needed.
    """


for command in (serve, background, db, users, tokens, projects, webhooks, log, doctor, demo):
    commands.add_command(command)


def main() -> None:
    """Runs the command line. The exit status is 0 for success, 1 for failure and 2 for wrong usage."""
    try:
        sys.exit(commands(standalone_mode=False))  # `--help` and `--version` return their exit status
    except click.ClickException as error:
        usage = io.StringIO()
        error.show(usage)
        show_error(usage.getvalue().rstrip())
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Aborted!", err=True)
        sys.exit(1)
    except (CannotStart, DomainError) as error:
        show_error(error_text(error))
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the text of any exception may contain stored data
        if type(error).__module__.startswith("pymongo."):  # by name: importing pymongo takes time
            show_error(f"The database reported an error: {exception_text.describe(error)}")
        else:
            show_error(exception_text.render(error).rstrip())
        sys.exit(1)
