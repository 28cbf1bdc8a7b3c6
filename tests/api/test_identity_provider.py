"""Tests signing in at an OpenID Connect provider, and what a hostile or a broken one achieves: nothing."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from taskmgr.api.identity.cookies import ATTEMPT_LASTS
from taskmgr.domain.model.account import Admission, Person
from taskmgr.domain.model.session import Visitor
from taskmgr.domain.model.user import Role
from taskmgr.domain.ports.identity_provider import NotSignedIn
from taskmgr.domain.ports.outgoing import Reply
from taskmgr.domain.services import Services
from taskmgr.infrastructure.outside.client import GuardedClient
from taskmgr.infrastructure.outside.openid import OpenIdProvider
from taskmgr.settings import Settings
from tests.api.client import PASSWORD, Answer, Client, mistakes, problem
from tests.factories import SYSTEM, Clock
from tests.provider import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, Provider, parameters, sign
from tests.running import PATIENCE, wait_until

pytestmark = pytest.mark.slow

SESSION, ERRAND = "__Host-taskmgr_session", "__Host-taskmgr_oidc"
START, CALLBACK = "auth/oidc/start", "auth/oidc/callback"
FOREIGN = {"Sec-Fetch-Site": "cross-site"}  # as the provider sends browsers back
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
Make = Callable[..., Client]


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider().running() as provider:
        yield provider


def signing_in_with(provider: Provider, *, seconds: float = 5.0, **options: Any) -> OpenIdProvider:
    client = GuardedClient(networks=[ip_network("127.0.0.0/8")], ports=[provider.port], seconds=seconds)
    given: dict[str, Any] = {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uri": REDIRECT_URI,
        "client": client,
    }
    return OpenIdProvider(**given | options)


@pytest.fixture
def visiting(services: Services, client_of: Make, provider: Provider) -> Make:
    """A new browser of a service that trusts the provider; anybody who comes becomes a member."""

    def make(*, role: Role | None = Role.MEMBER, domains: set[str] | None = None, **options: Any) -> Client:
        admission = Admission(role=role, domains=None if domains is None else frozenset(domains))
        trusting = signing_in_with(provider, **options)
        accounts = replace(services.accounts, provider=trusting, admission=admission)
        return client_of(over=replace(services, accounts=accounts)).browser()

    return make


def start(browser: Client, **query: str) -> str:
    """Goes to the provider, and returns the URL to which the browser is sent."""
    answer = browser.get(START, **query)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def come_back(browser: Client, url: str, **changes: str | None) -> Answer:
    """Comes back from the provider at this URL, with other parameters."""
    query = {name: value for name, value in (parameters(url) | changes).items() if value is not None}
    return browser.get(CALLBACK, headers=FOREIGN, **query)


def sign_in(browser: Client, provider: Provider, **query: str) -> Answer:
    return come_back(browser, provider.authorize(start(browser, **query)))


def refused(answer: Answer) -> str:
    """Asserts that nobody was signed in, and returns the reason that the page for signing in explains."""
    target = urlsplit(answer.headers["Location"])
    assert (answer.status_code, target.path) == (303, "/sign-in")
    assert SESSION not in str(answer.headers.getlist("Set-Cookie"))
    return parse_qs(target.fragment)["problem"][0]


def link(browser: Client, provider: Provider) -> Answer:
    url = browser.post("auth/accounts", {}).json["url"]
    return come_back(browser, provider.authorize(url))


# --- who comes in


def test_a_person_who_comes_for_the_first_time_becomes_a_user(visiting: Make, provider: Provider) -> None:
    browser = visiting()

    answer = sign_in(browser, provider, next="/docs#/tasks")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/docs#/tasks")
    me = browser.get("users/me").json
    assert [me[name] for name in ("username", "name", "email", "role")] == [
        "grace", "Grace Hopper", "grace@example.org", "member",
    ]  # fmt: skip
    assert browser.cookies is not None
    assert ERRAND not in browser.cookies
    assert browser.post("tasks", {"title": "x"}).status_code == 201


def test_the_same_account_is_the_same_user_whatever_else_has_changed(
    visiting: Make, provider: Provider
) -> None:
    first, second = visiting(), visiting()
    sign_in(first, provider)
    provider.person |= {"email": "other@example.org", "preferred_username": "other", "name": "Other"}

    sign_in(second, provider)

    assert second.get("users/me").json["id"] == first.get("users/me").json["id"]


def test_another_account_with_the_same_name_and_address_is_somebody_else(
    visiting: Make, provider: Provider
) -> None:
    sign_in(visiting(), provider)
    provider.person["sub"] = "0816"

    assert refused(sign_in(visiting(), provider)) == "exists"


@pytest.mark.parametrize("claim", ["email", "preferred_username"])
def test_no_name_or_address_lets_anybody_in_as_an_existing_user(
    claim: str, visiting: Make, provider: Provider, services: Services
) -> None:
    services.users.create(username="victim", name="V", email="victim@example.org", role="admin", by=SYSTEM)
    provider.person[claim] = "victim@example.org"

    assert refused(sign_in(visiting(), provider)) == "exists"


def test_without_a_role_only_linked_accounts_come_in(
    visiting: Make, provider: Provider, nothing_changes: Callable[[], Any]
) -> None:
    with nothing_changes():
        assert refused(sign_in(visiting(role=None), provider)) == "unknown"


@pytest.mark.parametrize(
    ("claims", "is_admitted"),
    [
        ({}, True),
        ({"email": "Grace@EXAMPLE.org"}, True),
        ({"email_verified": "true"}, True),  # some providers send text
        ({"email_verified": False}, False),
        ({"email_verified": "false"}, False),
        ({"email_verified": None}, False),
        ({"email": "grace@evil.example"}, False),
        ({"email": "grace@example.org.evil.example"}, False),
        ({"email": "grace@sub.example.org"}, False),
        ({"email": "example.org"}, False),
        ({"email": ["grace@example.org"]}, False),
    ],
)
def test_only_verified_addresses_in_the_domains_are_admitted(
    claims: dict[str, Any], is_admitted: bool, visiting: Make, provider: Provider
) -> None:
    browser = visiting(domains={"example.org"})
    provider.claims = claims

    answer = sign_in(browser, provider)

    if is_admitted:
        assert browser.get("users/me").status_code == 200
    else:
        assert refused(answer) == "not_admitted"


def test_a_linked_account_is_not_admitted_either_once_its_address_is_not(
    visiting: Make, provider: Provider
) -> None:
    sign_in(visiting(domains={"example.org"}), provider)
    provider.person["email"] = "grace@evil.example"

    assert refused(sign_in(visiting(domains={"example.org"}), provider)) == "not_admitted"


def test_an_address_that_is_not_verified_is_not_stored(visiting: Make, provider: Provider) -> None:
    provider.person["email_verified"] = False
    browser = visiting()

    sign_in(browser, provider)

    assert browser.get("users/me").json["email"] is None


def test_a_deactivated_user_stays_out(visiting: Make, provider: Provider, services: Services) -> None:
    browser = visiting()
    sign_in(browser, provider)
    services.users.change(browser.get("users/me").json["id"], {"active": False}, by=SYSTEM)

    assert refused(sign_in(visiting(), provider)) == "deactivated"


@pytest.mark.parametrize(
    ("claims", "username"),
    [
        ({"preferred_username": "Ada.Lovelace"}, "ada.lovelace"),
        ({"preferred_username": "Ada Lovelace (Büro)"}, "ada-lovelace-b-ro-"),
        ({"preferred_username": "me"}, "grace"),
        ({"preferred_username": None}, "grace"),
        ({"preferred_username": None, "email": None}, None),
        ({"preferred_username": 5, "email": "@"}, None),
    ],
)
def test_a_name_that_cannot_be_a_username_is_replaced(
    claims: dict[str, Any], username: str | None, visiting: Make, provider: Provider
) -> None:
    browser = visiting()
    provider.person |= claims

    sign_in(browser, provider)

    shown = browser.get("users/me").json["username"]
    assert shown == username if username else shown.startswith("person-")


def test_what_the_id_token_lacks_is_read_from_the_userinfo_endpoint(
    visiting: Make, provider: Provider
) -> None:
    provider.claims = {"email": None, "email_verified": None}
    browser = visiting(domains={"example.org"})

    sign_in(browser, provider)

    assert browser.get("users/me").json["email"] == "grace@example.org"


def test_userinfo_about_somebody_else_is_refused(visiting: Make, provider: Provider) -> None:
    provider.claims, provider.user_info = {"email": None}, {"sub": "0816"}

    assert refused(sign_in(visiting(domains={"example.org"}), provider)) == "invalid"


def test_many_first_visits_at_the_same_time_make_one_user(
    visiting: Make, provider: Provider, services: Services
) -> None:
    browsers = [visiting() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda browser: sign_in(browser, provider), browsers))

    assert [user.username for user in services.users.iterate(by=SYSTEM)] == ["grace"]
    assert len({browser.get("users/me").json["id"] for browser in browsers}) == 1


def test_two_first_visits_at_the_same_moment_are_the_same_user(services: Services, clock: Clock) -> None:
    person = Person(issuer="https://id.example.org", subject="0815", usernames=("grace",))
    accounts = replace(services.accounts, admission=Admission(role=Role.MEMBER))
    others = []

    def clock_during_which_the_other_comes() -> datetime:
        if not others:
            with ThreadPoolExecutor(1) as pool:
                others.append(pool.submit(accounts.sign_in, person, visitor=Visitor()).result())
        return clock()

    users = replace(services.users, clock=clock_during_which_the_other_comes)
    own = replace(accounts, users=users).sign_in(person, visitor=Visitor())

    assert own.user.id == others[0].user.id


def test_no_session_begins_at_the_same_moment_as_its_user_is_deactivated(
    services: Services, clock: Clock
) -> None:
    person = Person(issuer="https://id.example.org", subject="0815", usernames=("grace",))
    accounts = replace(services.accounts, admission=Admission(role=Role.MEMBER))
    user = accounts.sign_in(person, visitor=Visitor()).user
    deactivations: list[Future[Any]] = []

    def clock_during_which_somebody_deactivates() -> datetime:
        if not deactivations:
            deactivations.append(pool.submit(services.users.change, user.id, {"active": False}, by=SYSTEM))
            wait(deactivations, timeout=1.0)  # it has to wait for this sign-in
        return clock()

    changes = replace(services.accounts.changes, clock=clock_during_which_somebody_deactivates)
    with ThreadPoolExecutor(1) as pool:
        replace(accounts, changes=changes).sign_in(person, visitor=Visitor())
    deactivations[0].result()

    assert list(services.sessions.list(user.id, by=SYSTEM)) == []


# --- signing in again


def test_somebody_signs_in_again_with_a_new_session(
    visiting: Make, provider: Provider, services: Services, clock: Clock
) -> None:
    browser = visiting()
    sign_in(browser, provider)
    assert browser.cookies is not None
    before, user_id = browser.cookies[SESSION], browser.get("users/me").json["id"]
    clock.advance(minutes=10)
    problem(browser.post("tokens", {"name": "script"}), "recent_sign_in_required")

    assert sign_in(browser, provider, user_id=user_id, next="/signed-in").headers["Location"] == "/signed-in"

    assert services.sessions.identify(before) is None
    assert browser.post("tokens", {"name": "script"}).status_code == 201


def test_nobody_but_the_user_who_signs_in_again_is_signed_in(
    visiting: Make, provider: Provider, nothing_changes: Callable[[], Any]
) -> None:
    browser, other = visiting(), visiting()
    sign_in(browser, provider)
    user_id = browser.get("users/me").json["id"]
    provider.person |= {"sub": "0816", "preferred_username": "other", "email": "other@example.org"}

    with nothing_changes():
        unknown = sign_in(browser, provider, user_id=user_id, next="/signed-in")
    sign_in(other, provider)
    with nothing_changes():
        known = sign_in(browser, provider, user_id=user_id, next="/signed-in")

    assert refused(unknown) == refused(known) == "other_user"
    assert unknown.headers["Location"].endswith(f"&next=%2Fsigned-in&user_id={user_id}")  # for another try
    assert browser.get("users/me").json["id"] == user_id
    assert mistakes(browser.get(START, user_id="x"), "malformed") == [("query.user_id", "bad_id")]


# --- linking


def test_a_user_links_an_account_and_signs_in_with_it(
    visiting: Make, provider: Provider, client: Client
) -> None:
    browser = visiting(role=None)
    user = client.with_password("member")
    browser.post("auth/sessions", {"username": "member", "password": PASSWORD})

    assert link(browser, provider).headers["Location"] == "/"
    other = visiting(role=None)
    sign_in(other, provider)

    assert other.get("users/me").json["id"] == user.id
    (account,) = other.get("auth/accounts").json["items"]
    assert [account[name] for name in ("issuer", "subject", "user_id")] == [provider.issuer, "0815", user.id]


def test_an_account_is_linked_to_one_user_only(visiting: Make, provider: Provider, client: Client) -> None:
    client.with_password("member"), client.with_password("manager")
    browser = visiting()
    browser.post("auth/sessions", {"username": "member", "password": PASSWORD})
    link(browser, provider)
    link(browser, provider)  # once more does nothing
    browser.post("auth/sessions", {"username": "manager", "password": PASSWORD})

    answer = link(browser, provider)
    assert refused(answer) == "taken"
    assert answer.headers["Location"].endswith("&linking=yes")  # the page offers to go back
    assert len(client.as_("member").get("auth/accounts").json["items"]) == 1


def test_people_are_told_how_they_can_sign_in(
    visiting: Make, provider: Provider, client_of: Make, services: Services, client: Client
) -> None:
    def methods(browser: Client) -> dict[str, Any]:
        return dict(browser.get("auth/methods").json)

    client.with_password("member")
    with_password, without = visiting(), visiting()
    with_password.post("auth/sessions", {"username": "member", "password": PASSWORD})
    sign_in(without, provider)

    assert methods(with_password) == {"password": True, "provider": "127.0.0.1", "is_linked": False}
    assert methods(without) == {"password": False, "provider": "127.0.0.1", "is_linked": True}
    elsewhere = replace(
        services.accounts, provider=signing_in_with(provider, issuer="https://id.example.org")
    )
    moved = client_of(over=replace(services, accounts=elsewhere)).browser()
    moved.cookies = without.cookies
    assert methods(moved) == {"password": False, "provider": "id.example.org", "is_linked": False}


def test_an_account_is_linked_only_while_the_same_user_is_signed_in(
    visiting: Make, provider: Provider, client: Client
) -> None:
    client.with_password("member"), client.with_password("manager")
    browser = visiting()
    browser.post("auth/sessions", {"username": "member", "password": PASSWORD})
    back = provider.authorize(browser.post("auth/accounts", {}).json["url"])
    browser.post("auth/sessions", {"username": "manager", "password": PASSWORD})

    assert refused(come_back(browser, back)) == "expired"
    assert client.as_("manager").get("auth/accounts").json["items"] == []


def test_an_account_is_linked_only_while_somebody_is_signed_in(
    visiting: Make, provider: Provider, client: Client
) -> None:
    client.with_password("member")
    browser = visiting()
    browser.post("auth/sessions", {"username": "member", "password": PASSWORD})
    back = provider.authorize(browser.post("auth/accounts", {}).json["url"])
    assert browser.cookies is not None
    del browser.cookies[SESSION]

    assert refused(come_back(browser, back)) == "expired"
    assert client.as_("member").get("auth/accounts").json["items"] == []


def test_only_admitted_accounts_are_linked(visiting: Make, provider: Provider, client: Client) -> None:
    client.with_password("member")
    browser = visiting(domains={"example.com"})
    browser.post("auth/sessions", {"username": "member", "password": PASSWORD})

    assert refused(link(browser, provider)) == "not_admitted"
    assert client.as_("member").get("auth/accounts").json["items"] == []


def test_the_attempt_of_linking_is_forgotten_at_the_end(
    visiting: Make, provider: Provider, client: Client
) -> None:
    client.with_password("member")
    browser = visiting()
    browser.post("auth/sessions", {"username": "member", "password": PASSWORD})
    assert browser.cookies is not None

    link(browser, provider)
    assert ERRAND not in browser.cookies
    provider.claims = {"aud": "another-client"}
    refused(link(browser, provider))
    assert ERRAND not in browser.cookies


def test_linking_requires_a_recent_sign_in_at_the_start_and_at_the_end(
    visiting: Make, provider: Provider, client: Client, clock: Clock
) -> None:
    client.with_password("member")
    browser = visiting()
    browser.post("auth/sessions", {"username": "member", "password": PASSWORD})
    back = provider.authorize(browser.post("auth/accounts", {}).json["url"])
    clock.advance(minutes=10)

    problem(browser.post("auth/accounts", {}), "recent_sign_in_required")
    assert refused(come_back(browser, back)) == "too_old"


def test_no_other_site_makes_a_browser_link_or_sign_in(
    visiting: Make, client: Client, provider: Provider
) -> None:
    client.with_password("member")
    browser = visiting()
    browser.post("auth/sessions", {"username": "member", "password": PASSWORD})

    problem(browser.post("auth/accounts", {}, headers=FOREIGN), "cross_site")
    problem(browser.get(START, headers=FOREIGN), "cross_site")


def test_ending_the_link_ends_the_sessions_and_the_way_in(
    visiting: Make, provider: Provider, services: Services, client: Client
) -> None:
    browser = visiting(role=None)
    client.with_password("member")
    browser.post("auth/sessions", {"username": "member", "password": PASSWORD})
    link(browser, provider)
    (account,) = browser.get("auth/accounts").json["items"]

    problem(client.as_("manager").delete(f"auth/accounts/{account['id']}"), "not_found")
    assert client.as_("admin").delete(f"auth/accounts/{account['id']}").status_code == 204

    assert browser.cookies is not None
    assert services.sessions.identify(browser.cookies[SESSION]) is None
    assert refused(sign_in(visiting(role=None), provider)) == "unknown"
    kinds = [entry["kind"] for entry in client.as_("member").get("activity").json["items"]]
    assert {"account.created", "account.ended"} <= set(kinds)


# --- the browser


def test_the_provider_learns_what_the_standard_demands_and_no_secret(
    visiting: Make, provider: Provider
) -> None:
    browser = visiting()

    sent = parameters(start(browser))

    assert sent | dict.fromkeys(("state", "nonce", "code_challenge"), "") == {
        "response_type": "code", "client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI,
        "scope": "openid email profile", "code_challenge_method": "S256", "max_age": "600",
        "state": "", "nonce": "", "code_challenge": "",
    }  # fmt: skip
    again = parameters(start(browser))
    secrets = [attempt[name] for attempt in (sent, again) for name in ("state", "nonce", "code_challenge")]
    assert len(set(secrets)) == 6
    assert min(map(len, secrets)) >= 43  # 256 bits


def test_the_cookie_of_an_attempt_is_out_of_reach_and_lasts_ten_minutes(visiting: Make) -> None:
    (header,) = visiting().get(START).headers.getlist("Set-Cookie")

    name, _, rest = header.partition("=")
    attributes = {part.strip() for part in rest.split(";")[1:]}
    assert name == ERRAND
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=Lax", "Max-Age=600"} <= attributes


def test_another_state_is_refused(visiting: Make, provider: Provider) -> None:
    for state in ("x", "", None, "é"):
        browser = visiting()
        back = provider.authorize(start(browser))
        assert refused(come_back(browser, back, state=state)) == "invalid"


def test_a_browser_that_has_not_begun_is_not_signed_in(visiting: Make, provider: Provider) -> None:
    """Otherwise, an attacker could sign a victim in as the attacker."""
    attacker, victim = visiting(), visiting()
    back = provider.authorize(start(attacker))

    assert refused(come_back(victim, back)) == "expired"


def test_the_answer_to_another_browser_is_refused(visiting: Make, provider: Provider) -> None:
    attacker, victim = visiting(), visiting()
    start(victim)

    assert refused(come_back(victim, provider.authorize(start(attacker)))) == "invalid"


def test_a_code_of_another_attempt_is_refused(visiting: Make, provider: Provider) -> None:
    """Its ID token has another nonce, and the provider compares the challenge."""
    attacker, victim = visiting(), visiting()
    stolen = parameters(provider.authorize(start(attacker)))["code"]
    back = provider.authorize(start(victim))

    assert refused(come_back(victim, back, code=stolen)) == "failed"


@pytest.mark.parametrize("forge", [lambda text: text[:-1], lambda text: "x" + text, lambda text: text * 2])
def test_a_forged_cookie_is_no_attempt(
    forge: Callable[[str], str], visiting: Make, provider: Provider
) -> None:
    browser = visiting()
    back = provider.authorize(start(browser))
    assert browser.cookies is not None
    browser.cookies[ERRAND] = forge(browser.cookies[ERRAND])

    assert refused(come_back(browser, back)) == "expired"


def test_an_attempt_ends_after_ten_minutes(
    visiting: Make, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = visiting()
    back = provider.authorize(start(browser))
    later = time.time() + ATTEMPT_LASTS.total_seconds() + 1
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)

    assert refused(come_back(browser, back)) == "expired"


def test_an_answer_is_accepted_once(visiting: Make, provider: Provider) -> None:
    browser = visiting()
    back = provider.authorize(start(browser))
    assert browser.cookies is not None
    kept = browser.cookies[ERRAND]
    come_back(browser, back)

    assert refused(come_back(browser, back)) == "expired"
    browser.cookies[ERRAND] = kept
    assert refused(come_back(browser, back)) == "failed"  # the provider knows that the code was used


@pytest.mark.parametrize(
    "next_path",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "evil", "",
     "/\t/evil.example", "/\n/evil.example", "\\\\evil.example", " //evil.example", "/" + "x" * 500],
)  # fmt: skip
def test_next_is_a_path_of_this_service(next_path: str, visiting: Make, client: Client) -> None:
    assert mistakes(visiting().get(START, next=next_path), "malformed") == [("query.next", "bad_path")]
    client.with_password("member")
    browser = visiting()
    browser.post("auth/sessions", {"username": "member", "password": PASSWORD})
    answer = browser.post("auth/accounts", {"next": next_path})
    assert mistakes(answer, "invalid") == [("body.next", "bad_path")]


def test_a_page_to_go_on_to_is_kept_if_nobody_is_signed_in(visiting: Make, provider: Provider) -> None:
    browser = visiting(role=None)

    answer = sign_in(browser, provider, next="/docs?x=1#y")

    assert answer.headers["Location"] == "/sign-in#problem=unknown&next=%2Fdocs%3Fx%3D1%23y"


def test_the_session_that_the_browser_presents_ends(
    visiting: Make, provider: Provider, services: Services, client: Client
) -> None:
    client.with_password("member")
    browser = visiting()
    browser.post("auth/sessions", {"username": "member", "password": PASSWORD})
    assert browser.cookies is not None
    planted = browser.cookies[SESSION]

    sign_in(browser, provider)

    assert services.sessions.identify(planted) is None
    assert browser.get("users/me").json["username"] == "grace"


# --- the ID token


def unsigned(claims: Any, key: RSAKey) -> str:
    parts = ({"alg": "none", "kid": key.kid}, dict(claims))
    return ".".join(_base64(json.dumps(part).encode()) for part in parts) + "."


def signed_with_a_shared_key(claims: Any, kid: str, shared: bytes) -> str:
    parts = ({"alg": "HS256", "kid": kid}, dict(claims))
    text = ".".join(_base64(json.dumps(part).encode()) for part in parts)
    return f"{text}.{_base64(hmac.digest(shared, text.encode(), 'sha256'))}"


def signed_with_the_public_key(claims: Any, key: RSAKey) -> str:
    return signed_with_a_shared_key(claims, str(key.kid), key.as_pem(private=False))


def signed_with_the_secret(claims: Any, key: RSAKey) -> str:
    return signed_with_a_shared_key(claims, str(key.kid), CLIENT_SECRET.encode())


def signed_by_somebody_else(claims: Any, key: RSAKey) -> str:
    return sign(claims, RSAKey.generate_key(2048, {"kid": key.kid}))


def changed_afterwards(claims: Any, key: RSAKey) -> str:
    head, body, signature = sign(claims, key).split(".")
    content = json.loads(urlsafe_b64decode(body + "=="))
    return f"{head}.{_base64(json.dumps(content | {'sub': 'admin'}).encode())}.{signature}"


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize(
    "forge",
    [unsigned, signed_with_the_public_key, signed_with_the_secret, signed_by_somebody_else,
     changed_afterwards, lambda *_: "", lambda *_: "x.y.z"],
)  # fmt: skip
def test_a_forged_id_token_signs_nobody_in(
    forge: Callable[[Any, RSAKey], str], visiting: Make, provider: Provider
) -> None:
    provider.sign = forge

    assert refused(sign_in(visiting(), provider)) == "invalid"


def at_present(claims: dict[str, Any]) -> dict[str, Any]:
    """Claims with times in place of what they are before or after now."""
    now = time.time()
    return {
        name: int(now + value.total_seconds()) if isinstance(value, timedelta) else value
        for name, value in claims.items()
    }


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": "another-client", "azp": "taskmgr"},
        {"aud": ["taskmgr", "another-client"]},  # without azp
        {"aud": ["taskmgr", "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"aud": None},
        {"exp": timedelta(seconds=-120)},
        {"exp": None},
        {"iat": None},
        {"iat": timedelta(seconds=86_400)},
        {"nbf": timedelta(seconds=86_400)},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": "x" * 256},
        {"at_hash": "x"},
        {"auth_time": timedelta(seconds=-3_600)},  # the person may not be there any more
        {"auth_time": "now"},
    ],
    ids=str,
)
def test_an_id_token_with_a_wrong_claim_signs_nobody_in(
    claims: dict[str, Any], visiting: Make, provider: Provider
) -> None:
    provider.claims = at_present(claims)

    assert refused(sign_in(visiting(), provider)) == "invalid"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["taskmgr"]},
        {"azp": "taskmgr"},
        {"auth_time": None},
        {"auth_time": timedelta(minutes=-10, seconds=-5)},
        {"exp": timedelta(seconds=-5)},
    ],
    ids=str,
)
def test_an_id_token_may_have_other_right_claims(
    claims: dict[str, Any], visiting: Make, provider: Provider
) -> None:
    provider.claims = at_present(claims)
    browser = visiting()

    sign_in(browser, provider)

    assert browser.get("users/me").status_code == 200


def test_a_new_key_of_the_provider_is_fetched_when_it_is_first_used(
    visiting: Make, provider: Provider
) -> None:
    browser = visiting()
    sign_in(browser, provider)
    sign_in(browser, provider)
    assert provider.asked.count("/keys") == 1
    provider.rotate()

    sign_in(browser, provider)

    assert browser.get("users/me").json["username"] == "grace"
    assert provider.asked.count("/keys") == 2


def test_a_forged_signature_makes_nobody_fetch_the_keys_again(visiting: Make, provider: Provider) -> None:
    browser = visiting()
    sign_in(browser, provider)
    provider.sign = signed_by_somebody_else

    assert refused(sign_in(browser, provider)) == "invalid"
    assert provider.asked.count("/keys") == 1


def test_a_published_key_for_something_else_is_not_trusted(visiting: Make, provider: Provider) -> None:
    shared = OctKey.import_key(CLIENT_SECRET, {"kid": "shared"})
    encrypting = RSAKey.generate_key(2048, {"kid": "encrypting"})
    published: Any = [
        SimpleNamespace(as_dict=lambda **_: shared.as_dict(private=True)),
        SimpleNamespace(as_dict=lambda **_: encrypting.as_dict(private=False) | {"use": "enc"}),
    ]
    provider.published = [*published, *provider.published]

    provider.sign = lambda claims, _: signed_with_a_shared_key(claims, "shared", CLIENT_SECRET.encode())
    assert refused(sign_in(visiting(), provider)) == "invalid"
    provider.sign = lambda claims, _: sign(claims, encrypting)
    assert refused(sign_in(visiting(), provider)) == "invalid"
    provider.sign = sign
    assert sign_in(visiting(), provider).headers["Location"] == "/"


def test_keys_for_something_else_do_no_harm(visiting: Make, provider: Provider) -> None:
    encrypting = RSAKey.generate_key(2048, {"kid": "encrypting"})
    others = (5, {}, {"kty": "AKP", "kid": "unknown"}, encrypting.as_dict(private=False) | {"use": "enc"})
    published: Any = [SimpleNamespace(as_dict=lambda key=key, **_: key) for key in others]
    provider.published = [*published, *provider.published]
    provider.sign = lambda claims, key: jwt.encode({"alg": "RS256"}, dict(claims), key)

    for _ in range(6):  # a token that names no key is verified with any of them that signs
        assert sign_in(visiting(), provider).headers["Location"] == "/"


def test_no_token_of_the_provider_is_logged(
    visiting: Make, provider: Provider, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens = []

    def forge(claims: Any, key: RSAKey) -> str:
        tokens.append(signed_by_somebody_else(claims, key))
        return str(tokens[0])

    provider.sign = forge
    refused(sign_in(visiting(), provider))

    logged = capsys.readouterr().out
    assert "nobody was signed in by the identity provider" in logged
    assert [part for part in tokens[0].split(".") if part in logged] == []


def test_a_key_that_is_not_published_is_not_trusted(visiting: Make, provider: Provider) -> None:
    browser = visiting()
    sign_in(browser, provider)
    published = provider.published
    provider.rotate()
    provider.published = published

    assert refused(sign_in(browser, provider)) == "invalid"


# --- the provider


def test_an_answer_from_another_issuer_is_refused(visiting: Make, provider: Provider) -> None:
    browser = visiting()
    back = provider.authorize(start(browser))

    assert refused(come_back(browser, back, iss="https://evil.example")) == "invalid"
    back = provider.authorize(start(browser))
    assert come_back(browser, back, iss=provider.issuer).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("error", "reason"), [("access_denied", "denied"), ("server_error", "failed"), ("<x>", "failed")]
)
def test_an_error_of_the_provider_is_explained(
    error: str, reason: str, visiting: Make, provider: Provider, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = visiting()
    state = parameters(start(browser))["state"]

    assert refused(browser.get(CALLBACK, state=state, error=error, error_description="<b>x</b>")) == reason
    assert "<" not in capsys.readouterr().out


def test_an_error_counts_also_beside_a_code(visiting: Make, provider: Provider) -> None:
    browser = visiting()

    back = provider.authorize(start(browser))
    assert refused(come_back(browser, back, error="access_denied")) == "denied"


def test_the_answer_is_read_from_the_address_only(visiting: Make, provider: Provider) -> None:
    """A form from another site would arrive without the browser's cookies."""
    browser = visiting()
    back = parameters(provider.authorize(start(browser)))

    problem(browser.post(CALLBACK, back), "method_not_allowed")


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"issuer": "https://evil.example"}, "failed"),
        ({"issuer": None}, "failed"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "failed"),
        ({"token_endpoint": "file:///etc/passwd"}, "failed"),
        ({"jwks_uri": None}, "failed"),
        ({"jwks_uri": 5}, "failed"),
    ],
    ids=str,
)
def test_metadata_that_cannot_be_right_are_refused(
    metadata: dict[str, Any], reason: str, visiting: Make, provider: Provider
) -> None:
    provider.metadata = metadata

    assert refused(visiting().get(START)) == reason


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_provider_with_https_has_no_endpoint_without(name: str) -> None:
    issuer = "https://id.example.org"
    metadata = {"issuer": issuer, **{each: f"{issuer}/{each}" for each in ENDPOINTS}}

    def asking(metadata: dict[str, str]) -> OpenIdProvider:
        reply = Reply(status=200, retry_after=None, body=json.dumps(metadata).encode())
        client: Any = SimpleNamespace(get=lambda *_: reply)
        return OpenIdProvider(
            issuer=issuer, client_id="x", client_secret="y", redirect_uri=REDIRECT_URI, client=client
        )

    asking(metadata).begin()
    with pytest.raises(NotSignedIn, match=name):
        asking({**metadata, name: f"http://id.example.org/{name}"}).begin()


def test_the_provider_leads_the_service_to_no_internal_address(visiting: Make, provider: Provider) -> None:
    """Its metadata name the addresses that the service calls."""
    provider.metadata = {"token_endpoint": f"http://169.254.169.254:{provider.port}/token"}

    assert refused(sign_in(visiting(), provider)) == "unreachable"


def test_a_dead_provider_is_explained_and_stops_nobody_with_a_password(
    visiting: Make, provider: Provider, client: Client
) -> None:
    client.with_password("member")
    browser = visiting()
    provider.stop()

    assert refused(browser.get(START)) == "unreachable"
    assert "Sign in with 127.0.0.1" in browser.get("/sign-in").text
    assert browser.post("auth/sessions", {"username": "member", "password": PASSWORD}).status_code == 201
    problem(browser.post("auth/accounts", {}), "unavailable")


def test_a_provider_that_dies_in_between_is_explained(visiting: Make, provider: Provider) -> None:
    browser = visiting()
    back = provider.authorize(start(browser))
    provider.status = 503

    assert refused(come_back(browser, back)) == "unreachable"


def test_a_slow_provider_costs_a_bounded_time(visiting: Make, provider: Provider) -> None:
    browser = visiting(seconds=0.3)
    provider.may_answer.clear()
    began = time.monotonic()

    assert refused(browser.get(START)) == "unreachable"
    assert time.monotonic() - began < PATIENCE / 2


def test_a_slow_provider_occupies_only_a_few_requests_at_once(visiting: Make, provider: Provider) -> None:
    browser = visiting(seconds=PATIENCE)
    provider.may_answer.clear()

    with ThreadPoolExecutor(16) as pool:
        starts = [pool.submit(browser.get, START) for _ in range(16)]
        assert wait_until(lambda: sum(map(Future.done, starts)) == 8)
        assert {refused(each.result()) for each in starts if each.done()} == {"unreachable"}
        assert wait_until(lambda: len(provider.asked) == 8)
        provider.may_answer.set()

    assert sum(each.result().headers["Location"].startswith(provider.issuer) for each in starts) == 8
    assert start(browser).startswith(provider.issuer)


def test_the_provider_is_not_called_before_somebody_signs_in_with_it(
    visiting: Make, provider: Provider
) -> None:
    visiting().get("/sign-in")

    assert provider.asked == []


def test_metadata_are_read_anew_after_an_hour(visiting: Make, provider: Provider) -> None:
    clock = Clock()
    browser = visiting(clock=lambda: clock.now.timestamp())
    for minutes in (0, 59, 2):
        clock.advance(minutes=minutes)
        start(browser)

    assert provider.asked.count("/.well-known/openid-configuration") == 2


# --- without a provider


def test_without_a_provider_there_is_no_button_and_no_way(client_of: Make, services: Services) -> None:
    without = replace(services, accounts=replace(services.accounts, provider=None))
    client = client_of(Settings(rate_limit=0), without)
    browser = client.browser()

    assert client.as_("member").get("auth/methods").json["provider"] is None
    assert "oidc" not in browser.get("/sign-in").text
    problem(browser.get(START), "not_found")
    problem(browser.get(CALLBACK, code="x", state="y"), "not_found")
