"""Tests against a model of the rules. Failed assertions in the machine show values, as in a test module."""

import pytest

pytest.register_assert_rewrite("tests.stateful.machine")
