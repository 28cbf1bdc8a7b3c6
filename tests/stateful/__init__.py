"""What fails in the machine is shown with its values, as in a test."""

import pytest

pytest.register_assert_rewrite("tests.stateful.machine")
