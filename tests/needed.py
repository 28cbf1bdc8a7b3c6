"""What some tests need and a machine may lack. In CI nothing is skipped for that: the tests fail."""

from __future__ import annotations

import os
import shutil

import pytest

IN_CI = os.environ.get("CI") == "true"


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Marks a test as skipped, except in CI, where the program of a Debian package is missing."""
    reason = f"{program} is missing: apt-get install {package}"
    return pytest.mark.skipif(shutil.which(program) is None and not IN_CI, reason=reason)
