"""The key that cursors are signed with."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from taskmgr.domain.model.errors import CannotStart
from taskmgr.resources import load_secret_key
from taskmgr.settings import Settings


def test_a_key_that_is_set_is_used(tmp_path: Path) -> None:
    assert load_secret_key(Settings(data_dir=tmp_path, secret_key="k" * 32)) == "k" * 32
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    first = load_secret_key(Settings(data_dir=tmp_path))
    assert len(first) >= 43
    assert load_secret_key(Settings(data_dir=tmp_path)) == first


def test_only_the_owner_can_read_the_key(tmp_path: Path) -> None:
    load_secret_key(Settings(data_dir=tmp_path))
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_data_folders_have_two_keys(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    assert len({load_secret_key(Settings(data_dir=folder)) for folder in folders}) == 2


def test_processes_that_start_at_once_use_one_key(tmp_path: Path) -> None:
    for number in range(30):
        folder = tmp_path / str(number)
        folder.mkdir()
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(lambda _: load_secret_key(Settings(data_dir=folder)), range(8)))  # noqa: B023
        assert len(keys) == 1
        assert "" not in keys


def test_with_a_database_elsewhere_a_key_must_be_set(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"^TASKMGR_SECRET_KEY: "):
        load_secret_key(Settings(data_dir=tmp_path, mongodb_uri="mongodb://db.example.org"))
