"""Tests how often passwords may be guessed, and that the answers do not tell who has an account."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from taskmgr.api.app import create_app
from taskmgr.bootstrap import build_services
from taskmgr.domain.ports.store import Store
from taskmgr.domain.services import Services
from taskmgr.domain.services.throttle import FAILURES_PER_ACCOUNT, FAILURES_PER_ADDRESS
from taskmgr.infrastructure.mongo.store import mongo_store
from taskmgr.infrastructure.password_hashes import Argon2Hashes
from taskmgr.settings import Settings
from tests.api.client import PASSWORD, Answer, Client, answered, problem
from tests.api.conftest import SECRET_KEY
from tests.factories import SYSTEM, Clock, FastHashes

Guess = Callable[..., Answer]


@pytest.fixture
def guess(client: Client) -> Guess:
    """Tries a password from an address, in a browser that nobody knows unless one is given."""
    client.with_password("member")

    def attempt(
        username: str = "member",
        password: str = "wrong",  # noqa: S107
        *,
        address: str = "192.0.2.1",
        browser: Client | None = None,
        **headers: str,
    ) -> Answer:
        body = {"username": username, "password": password}
        browser = browser or client.browser()
        return browser.post("auth/sessions", body, environ={"REMOTE_ADDR": address}, headers=headers)

    return attempt


def from_everywhere(number: int) -> str:
    return f"198.51.100.{number}"


def test_of_50_wrong_passwords_for_an_account_10_are_checked(guess: Guess, services: Services) -> None:
    hashes = services.sessions.hashes
    assert isinstance(hashes, FastHashes)
    hashes.compared.clear()

    answers = [guess(address=from_everywhere(number)) for number in range(50)]

    assert [answered(answer) for answer in answers] == ["wrong_credentials"] * 10 + ["too_many_attempts"] * 40
    assert len(hashes.compared) == FAILURES_PER_ACCOUNT
    problem(answers[-1], "too_many_attempts")
    assert 3_590 <= int(answers[-1].headers["Retry-After"]) <= 3_600
    problem(guess(password=PASSWORD, address="203.0.113.1"), "too_many_attempts")


def test_of_50_wrong_passwords_from_an_address_20_are_checked(guess: Guess) -> None:
    answers = [guess(f"user-{number}") for number in range(50)]

    assert [answered(answer) for answer in answers].count("wrong_credentials") == FAILURES_PER_ADDRESS
    problem(guess(password=PASSWORD), "too_many_attempts")
    assert guess(password=PASSWORD, address="192.0.2.2").status_code == 201


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "Client-IP"])
def test_a_forged_header_is_no_other_address(name: str, guess: Guess) -> None:
    answers = [guess(f"user-{n}", **{name: from_everywhere(n)}) for n in range(30)]

    assert [answered(answer) for answer in answers].count("wrong_credentials") == FAILURES_PER_ADDRESS


def test_what_a_client_writes_before_the_entry_of_the_trusted_proxy_is_no_address(
    client: Client, client_of: Callable[..., Client]
) -> None:
    behind_a_proxy = client_of(Settings(rate_limit=0, trusted_proxies=1))
    codes = [
        answered(
            behind_a_proxy.browser().post(
                "auth/sessions",
                {"username": f"user-{n}", "password": "wrong"},
                headers={"X-Forwarded-For": f"{from_everywhere(n)}, 203.0.113.9"},
            )
        )
        for n in range(30)
    ]

    assert codes.count("wrong_credentials") == FAILURES_PER_ADDRESS


@pytest.mark.parametrize("form", ["203.0.113.9:{}", "[2001:db8::1]:{}", "[2001:db8::{}]"])
def test_a_port_behind_an_address_makes_no_other_address(
    form: str, client: Client, client_of: Callable[..., Client]
) -> None:
    behind_a_proxy = client_of(Settings(rate_limit=0, trusted_proxies=1)).browser()
    codes = [
        answered(
            behind_a_proxy.post(
                "auth/sessions",
                {"username": f"user-{n}", "password": "wrong"},
                headers={"X-Forwarded-For": form.format(n + 1024)},
            )
        )
        for n in range(30)
    ]

    assert codes.count("wrong_credentials") == FAILURES_PER_ADDRESS


def test_the_addresses_of_one_ipv6_network_count_as_one(guess: Guess) -> None:
    answers = [guess(f"user-{n}", address=f"2001:db8:0:1::{n + 1:x}") for n in range(30)]

    assert [answered(answer) for answer in answers].count("wrong_credentials") == FAILURES_PER_ADDRESS
    assert answered(guess("user-x", address="2001:db8:0:2::1")) == "wrong_credentials"


def test_other_spellings_of_a_username_are_the_same_account(guess: Guess) -> None:
    spellings = ("member", "MEMBER", " Member ")
    answers = [guess(spellings[n % 3], address=from_everywhere(n)) for n in range(15)]

    assert [answered(answer) for answer in answers].count("wrong_credentials") == FAILURES_PER_ACCOUNT


def test_right_passwords_do_not_count(guess: Guess) -> None:
    for _ in range(FAILURES_PER_ADDRESS + 5):
        assert guess(password=PASSWORD).status_code == 201
    for number in range(FAILURES_PER_ACCOUNT):
        assert answered(guess(address=from_everywhere(number))) == "wrong_credentials"


def test_after_an_hour_it_begins_again(guess: Guess, clock: Clock) -> None:
    for number in range(FAILURES_PER_ACCOUNT):
        guess(address=from_everywhere(number))
    problem(guess(password=PASSWORD), "too_many_attempts")
    clock.advance(minutes=59, seconds=59)
    problem(guess(password=PASSWORD), "too_many_attempts")

    clock.advance(seconds=1)

    assert guess(password=PASSWORD).status_code == 201


# --- a browser in which somebody has signed in before


def test_nobody_is_shut_out_of_their_own_browser_by_the_guesses_of_others(
    guess: Guess, client: Client
) -> None:
    own = client.signed_in("member")
    for number in range(15):
        guess(address=from_everywhere(number))

    problem(guess(password=PASSWORD), "too_many_attempts")
    assert guess(password=PASSWORD, browser=own).status_code == 201


def test_a_known_browser_has_ten_attempts_too(guess: Guess, client: Client) -> None:
    own = client.signed_in("member")

    codes = [answered(guess(browser=own, address=from_everywhere(number))) for number in range(15)]

    assert codes == ["wrong_credentials"] * 10 + ["too_many_attempts"] * 5


def test_a_browser_is_known_for_its_own_user_only(guess: Guess, client: Client) -> None:
    others = client.signed_in("manager")
    for number in range(FAILURES_PER_ACCOUNT):
        guess(address=from_everywhere(number))

    problem(guess(password=PASSWORD, browser=others), "too_many_attempts")


def test_a_browser_is_not_known_any_more_once_the_password_has_changed_elsewhere(
    guess: Guess, client: Client, services: Services
) -> None:
    """Otherwise, whoever once knew the password would have ten guesses with each of many kept cookies."""
    old = client.signed_in("member")
    link = services.links.create(old.user.id, by=SYSTEM).text
    new = client.browser()
    assert new.post("auth/links/use", {"link": link, "password": f"{PASSWORD}!"}).status_code == 201
    for number in range(FAILURES_PER_ACCOUNT):
        guess(address=from_everywhere(number))

    problem(guess(password=f"{PASSWORD}!", browser=old), "too_many_attempts")
    assert guess(password=f"{PASSWORD}!", browser=new).status_code == 201


@pytest.mark.parametrize(
    "forge", [lambda text: text[:-1], lambda text: f"x{text}", lambda text: text[:0] + "W10.x"]
)
def test_no_forged_cookie_makes_a_browser_known(
    forge: Callable[[str], str], guess: Guess, client: Client
) -> None:
    own = client.signed_in("member")
    assert own.cookies is not None
    name = "__Host-taskmgr_browser"
    own.cookies[name] = forge(own.cookies[name])
    for number in range(FAILURES_PER_ACCOUNT):
        guess(address=from_everywhere(number))

    problem(guess(password=PASSWORD, browser=own), "too_many_attempts")


# --- the same answer in the same time


@pytest.fixture
def closed_accounts(client: Client, services: Services) -> tuple[str, ...]:
    """Usernames with which nobody can sign in, for every reason there is."""
    services.users.change(client.with_password("viewer").id, {"active": False}, by=SYSTEM)
    services.users.create(username="without-password", name="X", by=SYSTEM)
    return ("nobody", "member", "viewer", "without-password", "", "not a username", "x" * 100)


def test_every_account_is_answered_alike(guess: Guess, closed_accounts: tuple[str, ...]) -> None:
    def shown(username: str, password: str, address: str) -> tuple[Any, Any]:
        answer = guess(username, password, address=address)
        body = answer.json | {"request_id": ""}
        headers = {name: value for name, value in answer.headers if name != "X-Request-Id"}
        return body, headers

    found = [
        shown(username, PASSWORD if username == "viewer" else "wrong", from_everywhere(number))
        for number, username in enumerate(closed_accounts)
    ]

    assert found == [found[0]] * len(found)
    assert found[0][0]["code"] == "wrong_credentials"


def test_every_account_costs_one_comparison(
    guess: Guess, closed_accounts: tuple[str, ...], services: Services
) -> None:
    hashes = services.sessions.hashes
    assert isinstance(hashes, FastHashes)
    counts = []
    for number, username in enumerate(closed_accounts):
        hashes.compared.clear()
        guess(username, address=from_everywhere(number))
        counts.append(len(hashes.compared))

    assert counts == [1] * len(closed_accounts)


@pytest.mark.slow
def test_an_unknown_account_takes_as_long_as_a_wrong_password(
    store: Store, services: Services, client: Client
) -> None:
    """Compares processor time, which other processes do not change."""
    slow = build_services(store, hashes=Argon2Hashes())
    app: Flask = create_app(slow, Settings(rate_limit=0), secret_key=SECRET_KEY)
    user = services.users.create(username="real", name="Real", by=SYSTEM)
    slow.links.use(slow.links.create(user.id, by=SYSTEM).text, password=PASSWORD)
    slow.sessions.hashes.matches("x", None)  # makes the hash that unknown accounts are compared with
    browser, times = Client(app, slow).browser(), {"real": [], "unreal": []}  # type: ignore[var-annotated]
    for turn in range(9):
        for username, measured in times.items():
            began = time.process_time()
            answer = browser.post(
                "auth/sessions",
                {"username": username, "password": "wrong"},
                environ={"REMOTE_ADDR": from_everywhere(turn)},
            )
            measured.append(time.process_time() - began)
            problem(answer, "wrong_credentials")

    # The least of each is the least disturbed by other programs.
    real, unreal = (min(measured) for measured in times.values())
    assert min(real, unreal) > 0.02
    assert abs(real - unreal) < 0.25 * real


# --- exact, whoever counts


@pytest.mark.slow
def test_of_many_guesses_at_the_same_time_exactly_ten_are_checked(
    store: Store, services: Services, client: Client, database: Any
) -> None:
    client.with_password("member")
    # Two processes share nothing but the database; here are two services with stores of their own.
    workers = [
        build_services(mongo_store(database), hashes=FastHashes(), clock=services.sessions.clock)
        for _ in range(2)
    ]
    apps = [create_app(worker, Settings(rate_limit=0), secret_key=SECRET_KEY) for worker in workers]

    def attempt(number: int) -> int | str:
        browser = Client(apps[number % 2], services).browser()
        body = {"username": "member", "password": "wrong"}
        return answered(browser.post("auth/sessions", body, environ={"REMOTE_ADDR": from_everywhere(number)}))

    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(attempt, range(50)))

    assert codes.count("wrong_credentials") == FAILURES_PER_ACCOUNT
    assert sum(len(worker.sessions.hashes.compared) for worker in workers) == FAILURES_PER_ACCOUNT  # type: ignore[attr-defined]


def test_guesses_of_the_present_password_are_limited_too(client: Client) -> None:
    member = client.signed_in("member")
    body = {"current_password": "wrong", "password": "another horse battery"}

    codes = [answered(member.put("auth/password", body)) for _ in range(15)]

    assert codes == ["wrong_credentials"] * 10 + ["too_many_attempts"] * 5
