"""The folder of the embedded database on disk: its owner's alone, and where its socket lies."""

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
    """Makes the folder with mode 0700, or sees to it that an existing one is.

    One that is empty or was ours before is tightened. One that holds other things is refused: it
    may be a home or a shared folder, and shutting others out of it is not for us to do.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise CannotStart(f"The data folder {folder} is a file.") from None
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise CannotStart(
            f"The data folder {folder} belongs to the user {_name_of(found.st_uid)}: run as that "
            "user, or set TASKMGR_DATA_DIR to a folder of your own."
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
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
    """Where the server of this folder listens: `mongod.sock` in it, if that can be an address.

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
    """Makes the place for a socket that lies elsewhere; nothing to do beside the data.

    One that is there is checked: whoever owned it could pose as the database.
    """
    place = address.parent
    if place == folder:
        return
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=0o700)
    found = place.lstat()
    private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
    if not private or found.st_uid != os.geteuid():
        raise CannotStart(
            f"{place} is not a private folder of yours: remove it, or set TASKMGR_DATA_DIR to a "
            "shorter path, where the socket can lie beside the data."
        )


def remove_socket_folder(address: Path, folder: Path) -> None:
    """Removes that place again after the server has ended."""
    if address.parent != folder:
        with contextlib.suppress(OSError):
            address.parent.rmdir()
