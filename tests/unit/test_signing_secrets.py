"""The secrets of webhooks, which follow from the service's secret key."""

from __future__ import annotations

import base64

import pytest
from standardwebhooks.webhooks import Webhook as Judge

from taskmgr.domain.ports.webhooks import SecretLost
from taskmgr.domain.services.webhooks.messages import secret_text, signature
from taskmgr.infrastructure.signing_secrets import DerivedSecrets
from tests.factories import NOW

KEY = "k" * 32


def test_each_secret_is_new_and_the_same_after_a_restart() -> None:
    secrets = DerivedSecrets(lambda: KEY)
    first, second = secrets.new(), secrets.new()

    assert secrets.reveal(first) != secrets.reveal(second)
    assert DerivedSecrets(lambda: KEY).reveal(first) == secrets.reveal(first)
    assert len(secrets.reveal(first)) == 32


def test_what_is_stored_does_not_contain_the_secret() -> None:
    secrets = DerivedSecrets(lambda: KEY)
    stored = secrets.new()

    assert secrets.reveal(stored) not in (stored.salt, stored.digest)


def test_a_secret_is_lost_with_its_key() -> None:
    stored = DerivedSecrets(lambda: KEY).new()

    with pytest.raises(SecretLost):
        DerivedSecrets(lambda: "l" * 32).reveal(stored)


def test_a_signature_is_that_of_the_specification() -> None:
    """The example of https://github.com/standard-webhooks/standard-webhooks, and its library."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    message_id, timestamp = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330
    ours = signature(base64.b64decode(secret.removeprefix("whsec_")), message_id, timestamp, body)

    assert ours == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert ours == Judge(secret).sign(message_id, NOW.fromtimestamp(timestamp, tz=NOW.tzinfo), body.decode())


def test_a_secret_is_shown_as_receivers_enter_it() -> None:
    assert secret_text(b"x" * 32) == "whsec_eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="
