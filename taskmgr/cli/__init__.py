"""The command line: `taskmgr …`, its commands, and what becomes of their errors.

The modules of this package import nothing heavy until a command runs: `--help` is quick, and
`serve` can prepare the process before anything opens a socket.
"""

from __future__ import annotations

import io
import sys

import click

import taskmgr
from taskmgr import exception_text
from taskmgr.cli.db import db
from taskmgr.cli.demo import demo
from taskmgr.cli.doctor import doctor
from taskmgr.cli.output import show_error, told
from taskmgr.cli.serve import serve
from taskmgr.cli.tokens import tokens
from taskmgr.cli.users import users
from taskmgr.domain.model.errors import CannotStart, DomainError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(taskmgr.__version__, prog_name="taskmgr")
def commands() -> None:
    """A task-management service for internal teams.

    Settings come from the environment, as TASKMGR_…; without TASKMGR_MONGODB_URI there is a
    database of its own in the data folder, which all commands share with a running service.
    """


for command in (serve, db, users, tokens, doctor, demo):
    commands.add_command(command)


def main() -> None:
    """The program. Exit status 0 is done, 1 refused or failed, 2 wrong usage."""
    try:
        sys.exit(commands(standalone_mode=False))  # the status of `--help` and the like
    except click.ClickException as error:
        usage = io.StringIO()
        error.show(usage)
        show_error(usage.getvalue().rstrip())
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Aborted!", err=True)
        sys.exit(1)
    except (CannotStart, DomainError) as error:
        show_error(told(error))
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may be a document's
        if type(error).__module__.startswith("pymongo."):  # which is not imported for this
            show_error(f"The database refuses: {exception_text.describe(error)}")
        else:
            show_error(exception_text.render(error).rstrip())
        sys.exit(1)
