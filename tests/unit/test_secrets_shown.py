"""Representations, messages and lines of the log never show a secret."""

from __future__ import annotations

import pytest

from taskmgr.domain.model.errors import CannotStart, NotFound
from taskmgr.domain.model.safe_text import without_secrets
from taskmgr.domain.model.user import Actor
from taskmgr.domain.services.identity import Identity
from taskmgr.domain.services.links import NewLink
from taskmgr.domain.services.session_changes import NewSession
from taskmgr.domain.services.tokens import NewToken
from taskmgr.infrastructure.mongo.client import open_database
from taskmgr.infrastructure.mongo.replica_set import initiate_replica_set
from taskmgr.server.greeting import FirstUser
from taskmgr.settings import Settings
from tests.factories import a_link, a_session, a_token, a_user

SECRET = "hunter2-hunter2-hunter2-hunter2-hunter2-hun"
TEXT = f"tm_0123456789abcdef01234567_{SECRET}"


def test_settings_show_neither_key_nor_password() -> None:
    shown = repr(
        Settings(
            secret_key=SECRET,
            oidc_client_secret=SECRET,
            mongodb_uri=f"mongodb://ada:{SECRET}@db.example.org",
        )
    )

    assert SECRET not in shown


def test_what_is_new_and_secret_is_not_shown() -> None:
    token, user = a_token(), a_user()
    identity = Identity(actor=Actor.of(user), user=user, credential=token)
    new = [NewToken(token, TEXT), NewSession(a_session(), user, TEXT), NewLink(a_link(), TEXT)]
    shown = repr([*new, identity, FirstUser(token=TEXT, link=TEXT)])

    assert SECRET not in shown


@pytest.mark.parametrize(
    "uri",
    [
        f"mongodb://ada:{SECRET}/x@db.example.org/tasks",
        f"mongodb://ada:x/{SECRET}@db.example.org/tasks",
        f"mongodb://ada:x@{SECRET}@db.example.org",
        f"mongodb://ada:{SECRET}@db.example.org:port",
        f"mongodb://ada:%{SECRET}@db.example.org",
        f"mongodb://ada:x:{SECRET}@db.example.org",
        f"mongodb://ada:{SECRET}",
        f"mongodb+srv://ada:{SECRET}@db.example.org:1",
    ],
)
def test_a_uri_that_is_not_usable_is_not_quoted(uri: str) -> None:
    with pytest.raises(CannotStart) as caught:
        open_database(uri, "tasks")

    assert SECRET not in str(caught.value)
    assert str(caught.value).startswith("TASKMGR_MONGODB_URI is not usable: ")


def test_an_unusable_uri_for_a_new_replica_set_is_not_quoted_either() -> None:
    with pytest.raises(CannotStart) as caught:
        initiate_replica_set(f"mongodb://ada:x/{SECRET}@db.example.org/tasks")

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("prefix", ["tm", "tms", "tml"])
def test_a_line_of_the_log_names_a_token_a_session_or_a_link_without_its_secret(prefix: str) -> None:
    text = TEXT.replace("tm", prefix, 1)
    line = f'{{"path": "/api/v1/tokens/{text}", "message": "{text}"}}'

    assert without_secrets(line) == line.replace(SECRET, "…")


@pytest.mark.parametrize(
    "damaged", [TEXT, TEXT[:-1], TEXT.replace("0123", "", 1), f"Bearer {TEXT}", f"({TEXT})"]
)
def test_a_damaged_token_is_cut_to_its_id_too(damaged: str) -> None:
    assert SECRET[:-1] not in without_secrets(damaged)
    assert SECRET[:-1] not in str(NotFound("task", damaged))
