"""Creates a fresh clone of the working tree, as a new user has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.running import ROOT, short_folder

_STAMPS = ("installed", "built-web", "installed-dev")


@contextmanager
def fresh_clone() -> Iterator[Path]:
    """Yields a folder with the files that a commit of the working tree would contain."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    with short_folder() as folder:
        clone = folder / "taskmgr"
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).exists():  # git also lists files that have just been deleted
                (clone / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, clone / name)
        yield clone


def share_environment(clone: Path) -> None:
    """Creates a `.venv` in the clone that uses the packages of this environment instead of installing them.

    The `taskmgr` package and command are those of the clone.
    """
    made = clone / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], check=True)
    packages = made / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    (packages / "clone.pth").write_text(f"{clone}\n{sysconfig.get_path('purelib')}\n")
    command = made / "bin" / "taskmgr"
    command.write_text(f"#!{made}/bin/python\nfrom taskmgr.cli import main\nmain()\n")
    command.chmod(0o755)
    (made / "made-in").write_text(f"{clone.resolve()}\n")
    for stamp in _STAMPS:
        (made / stamp).touch()


def bare_environment(home: Path) -> dict[str, str]:
    """Returns the environment variables of a fresh login, without those of this environment or of taskmgr."""
    ours = ("TASKMGR_", "VIRTUAL_ENV", "PYTHON", "XDG_", "PYTEST_", "COV_", "MAKE", "MFLAGS", "ARGS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = [each for each in kept["PATH"].split(os.pathsep) if not each.startswith(sys.prefix)]
    cache = os.environ.get("PIP_CACHE_DIR") or str(Path.home() / ".cache" / "pip")
    home.mkdir()
    return {**kept, "PATH": os.pathsep.join(path), "HOME": str(home), "PIP_CACHE_DIR": cache}
