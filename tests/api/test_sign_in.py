"""Tests signing in with a password or a link, and the sessions that begin: who is let in, and until when."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from taskmgr.api.identity.callers import CACHE_SECONDS
from taskmgr.domain.model.session import Visitor
from taskmgr.domain.services import Services
from taskmgr.settings import Settings
from tests.api.client import PASSWORD, Answer, Client, answered, mistakes, problem
from tests.factories import SYSTEM, Clock

SESSION, BROWSER = "__Host-taskmgr_session", "__Host-taskmgr_browser"
OTHER = "another horse battery"


def outlive_cache() -> None:
    time.sleep(CACHE_SECONDS + 0.05)


def sign_in(browser: Client, username: str = "member", password: str = PASSWORD, **options: Any) -> Answer:
    return browser.post("auth/sessions", {"username": username, "password": password}, **options)


def cookies_of(answer: Answer) -> dict[str, str]:
    """The attributes of each cookie that an answer sets, by its name."""
    headers = answer.headers.getlist("Set-Cookie")
    return {header.partition("=")[0]: header.partition(";")[2] for header in headers}


def new_link(services: Services, client: Client, username: str = "member") -> str:
    user = client.with_password(username)
    return services.links.create(user.id, by=SYSTEM).text


# --- the cookie


def test_signing_in_begins_a_session_with_the_rights_of_the_role(client: Client) -> None:
    manager = client.signed_in("manager")

    assert manager.get("users/me").json["username"] == "manager"
    assert manager.post("tasks", {"title": "x", "priority": "urgent", "reason": "y"}).status_code == 201
    assert manager.get("tokens").status_code == 200
    problem(manager.post("users", {"username": "abc", "name": "x"}), "not_permitted")


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(client: Client) -> None:
    client.with_password("member")

    cookies = cookies_of(sign_in(client.browser()))

    for name, seconds in ((SESSION, 7 * 86_400), (BROWSER, 180 * 86_400)):
        attributes = {part.strip() for part in cookies[name].split(";")}
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=Lax", f"Max-Age={seconds}"} <= attributes
        assert not any(attribute.startswith("Domain") for attribute in attributes)


@pytest.mark.parametrize(
    ("public_url", "prefix", "is_secure"),
    [
        (None, "__Host-", True),
        ("https://tasks.example.org", "__Host-", True),
        ("http://tasks.lan", "", False),
    ],
)
def test_only_a_public_address_in_plain_http_does_without_the_prefix(
    public_url: str | None, prefix: str, is_secure: bool, client: Client, client_of: Callable[..., Client]
) -> None:
    client.with_password("member")
    browser = client_of(Settings(rate_limit=0, public_url=public_url)).browser()

    cookies = cookies_of(sign_in(browser))

    assert set(cookies) == {f"{prefix}taskmgr_session", f"{prefix}taskmgr_browser"}
    assert all(("Secure" in attributes) is is_secure for attributes in cookies.values())
    assert browser.get("users/me").status_code == 200


def test_no_secret_of_a_session_a_link_or_a_password_is_stored(
    client: Client, services: Services, contents: Callable[[], Any]
) -> None:
    member = client.signed_in("member")
    assert member.cookies is not None
    secret, link = member.cookies[SESSION].split("_", 2)[2], new_link(services, client, "manager")

    stored = b"".join(row for rows in contents().values() for row in rows)

    for text in (secret, link.split("_", 2)[2], PASSWORD):
        assert text.encode() not in stored


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "x",
        "tms_0123456789abcdef01234567_x",
        "tms__",
        "{}x",
        "x{}",
        "tm{rest}",
        "{id}_",
        "\xff",
        "a" * 5000,
    ],
)
def test_no_other_cookie_lets_anybody_in(cookie: str, client: Client) -> None:
    member = client.signed_in("member")
    assert member.cookies is not None
    text = member.cookies[SESSION]
    rest, known = text.removeprefix("tms"), text.rpartition("_")[0][:28]
    member.cookies[SESSION] = cookie.replace("{}", text).replace("{rest}", rest).replace("{id}", known)

    problem(member.get("users/me"), "unauthenticated")


def test_a_session_is_no_token_and_a_token_no_session(client: Client) -> None:
    member, token = client.signed_in("member"), client.as_("member").token
    assert member.cookies is not None

    problem(client.with_token(member.cookies[SESSION]).get("users/me"), "unauthenticated")
    member.cookies[SESSION] = str(token)
    problem(member.get("users/me"), "unauthenticated")


def test_a_request_with_a_token_is_not_identified_by_its_cookie(client: Client) -> None:
    admin = client.signed_in("admin")
    member = {"Authorization": f"Bearer {client.as_('member').token}"}

    assert admin.get("users/me", headers=member).json["username"] == "member"
    for wrong in ("Bearer tm_x", "Bearer ", "Basic eDp5", ""):
        problem(admin.get("users/me", headers={"Authorization": wrong}), "unauthenticated")


# --- fixation, and the end of sessions


def test_each_sign_in_begins_another_session_and_ends_the_one_before(client: Client) -> None:
    browser = client.signed_in("member")
    assert browser.cookies is not None
    planted = dict(browser.cookies)

    assert sign_in(browser).status_code == 201
    outlive_cache()

    assert browser.cookies[SESSION] != planted[SESSION]
    attacker = client.browser()
    attacker.cookies = planted
    problem(attacker.get("users/me"), "unauthenticated")
    assert browser.get("users/me").status_code == 200


def test_a_session_that_somebody_else_has_planted_ends_when_its_victim_signs_in(client: Client) -> None:
    attacker = client.signed_in("manager")
    assert attacker.cookies is not None
    client.with_password("member")
    victim = client.browser()
    victim.cookies = {SESSION: attacker.cookies[SESSION]}

    sign_in(victim)
    outlive_cache()

    assert victim.get("users/me").json["username"] == "member"
    problem(attacker.get("users/me"), "unauthenticated")


def test_a_link_ends_the_session_that_the_browser_presents(client: Client, services: Services) -> None:
    attacker = client.signed_in("manager")
    assert attacker.cookies is not None
    victim = client.browser()
    victim.cookies = {SESSION: attacker.cookies[SESSION]}

    answer = victim.post("auth/links/use", {"link": new_link(services, client), "password": OTHER})
    outlive_cache()

    assert (answer.status_code, victim.get("users/me").json["username"]) == (201, "member")
    problem(attacker.get("users/me"), "unauthenticated")


def test_a_session_ends_after_eight_hours_without_a_request(client: Client, clock: Clock) -> None:
    member = client.signed_in("member")
    for _ in range(4):
        clock.advance(hours=7, minutes=59)
        outlive_cache()
        assert member.get("users/me").status_code == 200

    clock.advance(hours=8, minutes=1)
    outlive_cache()

    problem(member.get("users/me"), "unauthenticated")
    assert client.as_("member").get("auth/sessions").json["items"] == []


@pytest.mark.parametrize("end", [{"hours": 8}, {"days": 7}], ids=str)
def test_the_streams_of_a_session_end_with_its_time(
    end: dict[str, int], client: Client, services: Services, clock: Clock
) -> None:
    member = client.signed_in("member")
    assert member.cookies is not None
    identity = services.sessions.identify(member.cookies[SESSION])
    assert identity is not None
    clock.advance(hours=7, minutes=59)
    assert services.sessions.find_changed([identity]) == set()

    clock.advance(**end)

    assert services.sessions.find_changed([identity]) == {identity.credential.id}


def test_a_session_ends_after_seven_days_in_any_case(client: Client, clock: Clock) -> None:
    member = client.signed_in("member")
    for _ in range(27):
        clock.advance(hours=6)
        outlive_cache_of(member)
    assert member.get("users/me").status_code == 200

    clock.advance(hours=6, seconds=1)
    outlive_cache()

    problem(member.get("users/me"), "unauthenticated")


def outlive_cache_of(browser: Client) -> None:
    """Uses the session as another worker would, which has not cached it."""
    assert browser.cookies is not None
    assert browser._services.sessions.identify(browser.cookies[SESSION]) is not None


def demote(services: Services, user_id: str) -> None:
    services.users.change(user_id, {"role": "viewer"}, by=SYSTEM)


def deactivate_for_a_moment(services: Services, user_id: str) -> None:
    for active in (False, True):
        services.users.change(user_id, {"active": active}, by=SYSTEM)


def reset_password(services: Services, user_id: str) -> None:
    services.links.use(services.links.create(user_id, by=SYSTEM).text, password=OTHER)


def end_each(services: Services, user_id: str) -> None:
    for session in services.sessions.list(user_id, by=SYSTEM):
        services.sessions.end(session.id, by=SYSTEM)


@pytest.mark.parametrize("event", [demote, deactivate_for_a_moment, reset_password, end_each])
def test_sessions_end_with_the_right_to_them_within_a_second(
    event: Callable[[Services, str], None], client: Client, services: Services
) -> None:
    member = client.signed_in("member")
    assert member.get("users/me").status_code == 200

    event(services, member.user.id)
    outlive_cache()

    problem(member.get("users/me"), "unauthenticated")


def test_a_promotion_and_other_changes_leave_sessions_alone(client: Client, services: Services) -> None:
    member = client.signed_in("member")

    services.users.change(member.user.id, {"role": "manager", "name": "M"}, by=SYSTEM)
    outlive_cache()

    assert member.get("users/me").json["role"] == "manager"


def test_sessions_are_listed_and_the_current_one_is_marked(client: Client, clock: Clock) -> None:
    first = client.signed_in("member")
    clock.advance(minutes=1)
    second = client.browser(first.user)
    sign_in(
        second, headers={"User-Agent": "Firefox \x1b[31m" + "x" * 500}, environ={"REMOTE_ADDR": "192.0.2.7"}
    )

    newer, older = second.get("auth/sessions").json["items"]

    assert (newer["current"], older["current"]) == (True, False)
    assert newer["address"] == "192.0.2.7"
    assert newer["user_agent"].startswith("Firefox \\u001b[31mxxx")
    assert len(newer["user_agent"]) == 200
    assert not any("tms_" in str(value) for value in newer.values())


def test_signing_out_ends_the_session_and_takes_the_cookie(client: Client) -> None:
    browser = client.signed_in("member")
    assert browser.cookies is not None
    copied = dict(browser.cookies)
    (current,) = browser.get("auth/sessions").json["items"]

    assert browser.delete(f"auth/sessions/{current['id']}").status_code == 204
    outlive_cache()

    assert SESSION not in browser.cookies
    thief = client.browser()
    thief.cookies = copied
    problem(thief.get("users/me"), "unauthenticated")


def test_nobody_sees_or_ends_the_sessions_of_others_but_admins(
    client: Client, services: Services, nothing_changes: Callable[[], Any]
) -> None:
    member, manager = client.signed_in("member"), client.as_("manager")
    (session,) = member.get("auth/sessions").json["items"]

    with nothing_changes():
        problem(manager.get("auth/sessions", user_id=member.user.id), "not_permitted")
        problem(manager.delete(f"auth/sessions/{session['id']}"), "not_found")
    admin = client.signed_in("admin")
    assert admin.get("auth/sessions", user_id=member.user.id).json["items"] == [session | {"current": False}]
    assert admin.delete(f"auth/sessions/{session['id']}").status_code == 204


def test_the_log_shows_sessions_and_links_to_their_owner_and_admins(
    client: Client, services: Services
) -> None:
    member = client.signed_in("member")
    (session,) = member.get("auth/sessions").json["items"]
    member.delete(f"auth/sessions/{session['id']}")

    def kinds(reader: Client) -> set[str]:
        found = reader.get("activity", limit="200").json["items"]
        return {entry["kind"] for entry in found if entry["entity"] in ("session", "link")}

    everything = {"session.created", "session.ended", "link.created", "link.ended"}
    assert kinds(client.as_("member")) == kinds(client.as_("admin")) == everything
    assert kinds(client.as_("manager")) == set()


# --- signing in again


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "tokens", {"name": "to stay"}),
        ("PATCH", "users/{admin}", {"email": "mallory@example.org"}),
        ("PATCH", "users/{member}", {"role": "manager"}),
        ("PATCH", "users/{member}", {"role": "admin", "name": "M"}),
        ("PATCH", "users/{former}", {"active": True}),
        ("POST", "auth/links", {"user_id": "member"}),
        ("POST", "webhooks", {"url": "https://hooks.example.org/mallory"}),
        ("PATCH", "webhooks/{webhook}", {"url": "https://hooks.example.org/mallory"}),
        ("PATCH", "webhooks/{webhook}", {"kinds": ["user.*"]}),
        ("POST", "webhooks/{webhook}/rotate-secret", None),
    ],
)
def test_what_would_outlast_a_session_requires_a_recent_sign_in(
    method: str,
    path: str,
    body: dict[str, Any] | None,
    client: Client,
    services: Services,
    clock: Clock,
    nothing_changes: Callable[[], Any],
) -> None:
    admin, ids = client.signed_in("admin"), made_for_the_session(client, services)
    arguments: list[Any] = [method, path.format(**ids)]
    if body is not None:
        arguments.append({"user_id": ids["member"]} if "user_id" in body else body)
    clock.advance(minutes=10)
    outlive_cache()
    admin.get("users/me")  # stores when the session was used

    with nothing_changes():
        problem(admin.open(*arguments), "recent_sign_in_required")
    sign_in(admin, "admin")

    assert admin.open(*arguments).status_code < 300


def made_for_the_session(client: Client, services: Services) -> dict[str, str]:
    """Returns the ids of what an admin may change."""
    former = client.as_("viewer").user
    services.users.change(former.id, {"active": False}, by=SYSTEM)
    webhook = services.webhooks.create(url="https://hooks.example.org/", by=SYSTEM).webhook
    users = {"admin": client.as_("admin").user.id, "member": client.as_("member").user.id}
    return {**users, "former": former.id, "webhook": webhook.id}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("users/{member}", {"role": "viewer"}),
        ("users/{member}", {"active": False}),
        ("users/{member}", {"name": "M", "role": "member", "email": None}),
        ("users/{former}", {"name": "F", "active": False}),
    ],
)
def test_what_gives_nobody_more_rights_can_be_done_in_an_old_session(
    path: str, body: dict[str, Any], client: Client, services: Services, clock: Clock
) -> None:
    admin, ids = client.signed_in("admin"), made_for_the_session(client, services)
    clock.advance(minutes=10)
    outlive_cache()

    assert admin.patch(path.format(**ids), body).status_code == 200


def test_tokens_need_no_recent_sign_in(client: Client, services: Services, clock: Clock) -> None:
    admin, ids = client.as_("admin"), made_for_the_session(client, services)
    clock.advance(days=1)

    assert admin.patch(f"users/{ids['member']}", {"role": "admin"}).status_code == 200
    assert admin.post("webhooks", {"url": "https://hooks.example.org/other"}).status_code == 201
    assert admin.post(f"webhooks/{ids['webhook']}/rotate-secret").status_code == 200


def test_a_token_made_in_a_session_may_outlast_it(client: Client, clock: Clock) -> None:
    token = client.signed_in("member").post("tokens", {"name": "script"}).json["token"]
    clock.advance(days=30)

    assert client.with_token(token).get("users/me").status_code == 200


# --- passwords


def test_a_changed_password_ends_all_sessions_but_gives_this_browser_a_new_one(client: Client) -> None:
    here, there = client.signed_in("member"), client.signed_in("member")
    assert here.cookies is not None
    before = here.cookies[SESSION]

    answer = here.put("auth/password", {"current_password": PASSWORD, "password": OTHER})
    outlive_cache()

    assert (answer.status_code, answer.data) == (204, b"")
    assert here.cookies[SESSION] != before
    assert here.get("users/me").status_code == 200
    problem(there.get("users/me"), "unauthenticated")
    problem(sign_in(client.browser()), "wrong_credentials")
    assert sign_in(client.browser(), password=OTHER).status_code == 201


def test_neither_a_session_nor_a_token_changes_a_password_without_the_present_one(
    client: Client, services: Services
) -> None:
    wrong = {"current_password": "wrong horse battery", "password": OTHER}

    problem(client.signed_in("member").put("auth/password", wrong), "wrong_credentials")
    problem(client.as_("member").put("auth/password", wrong), "wrong_credentials")
    problem(client.as_("viewer").put("auth/password", wrong), "wrong_credentials")  # has no password
    assert sign_in(client.browser()).status_code == 201


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("elevenchars", "too_short"),
        ("x y" * 86, "too_long"),
        ("password12345", "too_common"),
        ("PassWord12345", "too_common"),
        ("ｐassword12345", "too_common"),  # full width
        ("aaaaaaaaaaaa", "too_common"),
        ("abcdabcdabcdab", "too_common"),
        ("zyxwvutsrqpo", "too_common"),
        ("Ada.Lovelace", "like_username"),
    ],
)
def test_a_weak_password_is_refused_without_being_quoted(
    password: str, code: str, client: Client, services: Services
) -> None:
    user = services.users.create(username="ada.lovelace", name="Ada", by=SYSTEM)
    link = services.links.create(user.id, by=SYSTEM).text

    answer = client.browser().post("auth/links/use", {"link": link, "password": password})

    assert mistakes(answer, "invalid") == [("body.password", code)]
    assert password not in answer.text
    answer = client.browser().post("auth/links/use", {"link": link, "password": "weiß 🐎 und Batterie"})
    assert answer.status_code == 201


def test_a_password_is_the_same_however_its_characters_are_composed(
    client: Client, services: Services
) -> None:
    services.links.use(new_link(services, client), password="caf\u00e9 cr\u00e8me \u2460\u2461\u2462")

    assert sign_in(client.browser(), password="cafe\u0301 cre\u0300me 123").status_code == 201


# --- links


def test_a_link_works_once(client: Client, services: Services) -> None:
    link = new_link(services, client)
    browser = client.browser()

    shown = browser.post("auth/links/open", {"link": link})
    used = browser.post("auth/links/use", {"link": link, "password": OTHER})

    assert shown.json | {"expires_at": ""} == {"username": "member", "name": "Member", "expires_at": ""}
    assert used.status_code == 201
    assert browser.get("users/me").json["username"] == "member"
    for path, body in (("open", {}), ("use", {"password": OTHER})):
        problem(client.browser().post(f"auth/links/{path}", {"link": link, **body}), "link_unusable")


def test_of_many_uses_of_a_link_at_the_same_time_one_succeeds(client: Client, services: Services) -> None:
    link = new_link(services, client)

    def use(number: int) -> int | str:
        body = {"link": link, "password": f"{OTHER} {number}"}
        return answered(client.browser().post("auth/links/use", body))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(use, range(8)))

    assert sorted(results, key=str) == [201] + ["link_unusable"] * 7
    opened = [
        number
        for number in range(8)
        if sign_in(client.browser(), password=f"{OTHER} {number}").json.get("id")
    ]
    assert opened == [results.index(201)]


@pytest.mark.parametrize("change", [{"active": False}, {"role": "manager"}], ids=str)
def test_a_link_ends_with_the_right_of_whoever_has_made_it(
    change: dict[str, Any], client: Client, services: Services
) -> None:
    admin, user = client.signed_in("admin"), client.with_password("member")
    services.users.create(username="second-admin", name="X", role="admin", by=SYSTEM)
    link = admin.post("auth/links", {"user_id": user.id}).json["path"].partition("#")[2]

    services.users.change(admin.user.id, change, by=SYSTEM)

    problem(client.browser().post("auth/links/use", {"link": link, "password": OTHER}), "link_unusable")


def outlive(services: Services, user_id: str, clock: Clock) -> None:
    clock.advance(days=7)


def replace_link(services: Services, user_id: str, clock: Clock) -> None:
    services.links.create(user_id, by=SYSTEM)


def deactivate(services: Services, user_id: str, clock: Clock) -> None:
    deactivate_for_a_moment(services, user_id)


def reset(services: Services, user_id: str, clock: Clock) -> None:
    reset_password(services, user_id)


@pytest.mark.parametrize("event", [outlive, replace_link, deactivate, reset])
def test_a_link_ends(
    event: Callable[[Services, str, Clock], None], client: Client, services: Services, clock: Clock
) -> None:
    link, user = new_link(services, client), client.with_password("member")

    event(services, user.id, clock)

    problem(client.browser().post("auth/links/open", {"link": link}), "link_unusable")
    problem(client.browser().post("auth/links/use", {"link": link, "password": PASSWORD}), "link_unusable")


@pytest.mark.parametrize(
    "text", ["", "x", "tml_", "tml_0123456789abcdef01234567_x", "{}x", "tms{rest}", "tm{rest}"]
)
def test_no_other_text_is_a_link(text: str, client: Client, services: Services) -> None:
    link = new_link(services, client)
    text = text.replace("{}", link).replace("{rest}", link.removeprefix("tml"))

    problem(client.browser().post("auth/links/open", {"link": text}), "link_unusable")


def test_an_admin_makes_links_for_others(client: Client) -> None:
    made = client.signed_in("admin").post("auth/links", {"user_id": client.with_password("viewer").id})

    link = made.json["path"].removeprefix("/welcome#")
    assert client.browser().post("auth/links/open", {"link": link}).json["username"] == "viewer"


def test_there_is_no_link_for_a_deactivated_user(client: Client, services: Services) -> None:
    user = client.with_password("member")
    services.users.change(user.id, {"active": False}, by=SYSTEM)

    answer = client.as_("admin").post("auth/links", {"user_id": user.id})

    assert mistakes(answer, "invalid") == [("body.user_id", "inactive_user")]


def test_a_better_hash_replaces_the_stored_one_at_the_next_sign_in(
    client: Client, services: Services, store: Any
) -> None:
    user = client.with_password("member")
    old, hashes = store.passwords.get(user.id), services.sessions.hashes
    hashes.outdated.add(old)  # type: ignore[attr-defined]

    services.sessions.sign_in("member", PASSWORD, visitor=Visitor())

    assert store.passwords.get(user.id) != old
    assert services.users.get(user.id, by=SYSTEM).version == user.version + 1  # by the password alone
    assert sign_in(client.browser()).status_code == 201
