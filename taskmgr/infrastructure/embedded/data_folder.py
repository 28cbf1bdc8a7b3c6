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
                f"chmod 700 it, or set TASKMGR_DATA_DIR to a folder of its own."
            )
        folder.chmod(0o700)


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def address_for(folder: Path) -> Path:
    """Returns the path of the server's socket: `mongod.sock` in the folder, if that is usable.

    A path that is too long, or that mongod would read as a list or a port, goes to a folder under
    /tmp, the same for every process. Hence neither $TMPDIR nor $XDG_RUNTIME_DIR, which differ
    between a login and a service and, the latter, end with the login.
    """
    address = folder / "mongod.sock"
    path = os.fsencode(address)
    if len(path) <= _SOCKET_PATH_BYTES and not re.search(r"[,:\[\]\ud800-\udfff]", str(address)):
        return address
    name = f"taskmgr-{os.geteuid()}-{hashlib.sha256(path).hexdigest()[:16]}"
    return Path("/tmp") / name / "mongod.sock"  # noqa: S108 - made and checked to be ours alone


def make_socket_folder(address: Path, folder: Path) -> None:
    """Creates the socket's folder if it is outside the data folder.

    An existing one is checked, because its owner could impersonate the database.
    """
    place = address.parent
    if place == folder:
        return
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=0o700)
    status = place.lstat()
    private = stat.S_ISDIR(status.st_mode) and not stat.S_IMODE(status.st_mode) & 0o077
    if not private or status.st_uid != os.geteuid():
        raise CannotStart(
            f"{place} is not a private folder of yours: remove it, or set TASKMGR_DATA_DIR to a "
            "shorter path, where the socket can lie beside the data."
        )


def remove_socket_folder(address: Path, folder: Path) -> None:
    """Removes the socket's folder outside the data folder, after the server has ended."""
    if address.parent != folder:
        with contextlib.suppress(OSError):
            address.parent.rmdir()
