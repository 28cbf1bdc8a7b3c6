"""Tests of concurrent commands. Failed assertions in the ledger show their values, as in a test module."""

import pytest

pytest.register_assert_rewrite("tests.concurrency.ledger")
