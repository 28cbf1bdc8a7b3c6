"""The folder in which the processes of a service share their metrics."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus_client when it is imported

_PREFIX = "taskmgr-metrics-"
# A file that the processes of the service keep locked until the last of them has ended.
_IN_USE = "in-use"

_KEPT_KINDS = ("counter", "histogram")  # of files, as prometheus_client names them
_ENDED = "ended"  # in place of the id of a process


@contextmanager
def metrics_folder() -> Iterator[None]:
    """Lets this process and its children share their metrics, in a folder that is removed in the end.

    A process that is killed cannot remove its folder, so the next one that starts does.
    Call it before `taskmgr.metrics.instruments` is imported.
    """
    _remove_unused()
    path, owner = tempfile.mkdtemp(prefix=_PREFIX), os.getpid()
    lock = _mark_as_used(Path(path))
    os.environ[_VARIABLE] = path  # noqa: TID251 - its only way to learn of it
    try:
        yield
    finally:
        if os.getpid() == owner:  # a child that ends leaves the block, too
            shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _remove_unused() -> None:
    """Removes the folders of services that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is in use, another user's, or being created or removed
            _remove_if_unused(folder)


def _remove_if_unused(folder: Path) -> None:
    if folder.stat().st_uid != os.geteuid():
        return
    with (folder / _IN_USE).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)


def _mark_as_used(folder: Path) -> int:
    """Returns the descriptor of the locked file, which forked children share and programs do not inherit."""
    new = folder / "new"
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    new.rename(folder / _IN_USE)  # only now, so that it is never seen unlocked
    return descriptor


def forget_process(pid: int) -> None:
    """Removes the gauges of a process that has ended, and adds its counters to those of all that have.

    Its files would otherwise be kept, and read for every scrape, for as long as the service runs.
    """
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)  # type: ignore[no-untyped-call]
    folder = _folder()
    with suppress(OSError), locked(fcntl.LOCK_EX | fcntl.LOCK_NB):  # while Prometheus reads, they are kept
        for kind in _KEPT_KINDS:
            _merge(folder / f"{kind}_{pid}.db", folder / f"{kind}_{_ENDED}.db")


def readable_files() -> list[str]:
    """Returns the paths of the files that have content.

    A process that has just started has an empty one for a moment, on which prometheus_client fails.
    """
    return [str(file) for file in _folder().glob("*.db") if _has_content(file)]


def _folder() -> Path:
    return Path(os.environ[_VARIABLE])  # noqa: TID251 - the library, too, finds it there


def _has_content(file: Path) -> bool:
    """Returns False for a file that was removed meanwhile, or that a process has just created."""
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


@contextmanager
def locked(kind: int) -> Iterator[None]:
    """Holds a lock on the folder inside the block, `LOCK_SH` to read all files or `LOCK_EX` to merge some."""
    descriptor = os.open(_folder(), os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


def _merge(source: Path, target: Path) -> None:
    """Adds the values of a file to those of another one, and removes it."""
    from prometheus_client.mmap_dict import MmapedDict

    if not _has_content(source):
        source.unlink(missing_ok=True)
        return
    total = MmapedDict(str(target))  # type: ignore[no-untyped-call]
    for key, value, *_ in MmapedDict.read_all_values_from_file(source):  # type: ignore[no-untyped-call]
        total.write_value(key, total.read_value(key)[0] + value, 0.0)  # type: ignore[no-untyped-call]
    total.close()  # type: ignore[no-untyped-call]
    source.unlink()
