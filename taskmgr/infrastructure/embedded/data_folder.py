"""Makes the data folder of the embedded database private, and chooses the path of its socket."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import re
import stat
from pathlib import Path

from taskmgr.domain.model.errors import CannotStart

_SOCKET_PATH_BYTES = 107  # sizeof(sockaddr_un.sun_path) - 1, see unix(7)


def make_private(folder: Path) -> None:
    """Creates the folder with mode 0700, or checks and corrects the mode of an existing one.

    Raises `CannotStart` for an open folder that holds other files: it may be a home or shared folder,
    whose mode must not be changed.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise CannotStart(f"The data folder {folder} is a file.") from None
    status = folder.stat()
    if status.st_uid != os.geteuid():
        raise CannotStart(
            f"The data folder {folder} belongs to the user {_name_of(status.st_uid)}: run as that "
            "user, or set TASKMGR_DATA_DIR to a folder of your own."
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        if any(folder.iterdir()) and not (folder / "start.lock").exists():
            raise CannotStart(
                f"The data folder {folder} is open to other users and holds other files: "
                f"chmod 700 it, or set TASKMGR_DATA_DIR to a new folder."
            )
        folder.chmod(0o700)


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def address_for(folder: Path) -> Path:
    """Returns the path of the server's socket: `mongod.sock` in the folder, if that path is usable.

    If it is too long, or mongod would read it as a list or a port, the socket is in a folder under /tmp
    that is the same for every process. $TMPDIR and $XDG_RUNTIME_DIR would not be: they differ between a
    login and a service.
    """
    address = folder / "mongod.sock"
    path = os.fsencode(address)
    if len(path) <= _SOCKET_PATH_BYTES and not re.search(r"[,:\[\]\ud800-\udfff]", str(address)):
        return address
    name = f"taskmgr-{os.geteuid()}-{hashlib.sha256(path).hexdigest()[:16]}"
    return Path("/tmp") / name / "mongod.sock"  # noqa: S108 - `make_socket_folder` checks that it is private


def make_socket_folder(address: Path, folder: Path) -> None:
    """Creates the socket's folder if it is outside the data folder.

    Raises `CannotStart` if it exists and is open to another user, who could impersonate the database.
    """
    socket_folder = address.parent
    if socket_folder == folder:
        return
    with contextlib.suppress(FileExistsError):
        socket_folder.mkdir(mode=0o700)
    status = socket_folder.lstat()
    private = stat.S_ISDIR(status.st_mode) and not stat.S_IMODE(status.st_mode) & 0o077
    if not private or status.st_uid != os.geteuid():
        raise CannotStart(
            f"{socket_folder} is not a private folder of yours: remove it, or set TASKMGR_DATA_DIR to a "
            "shorter path, so that the socket can be in the data folder."
        )


def remove_socket_folder(address: Path, folder: Path) -> None:
    """Removes the socket's folder outside the data folder, after the server has ended."""
    if address.parent != folder:
        with contextlib.suppress(OSError):
            address.parent.rmdir()
