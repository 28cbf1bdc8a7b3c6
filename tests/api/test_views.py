"""Tests saved views: what they keep, who sees and changes them, and what of them is in the log."""

from __future__ import annotations

from typing import Any

import pytest

from taskmgr.api.schemas.task_queries import FIELDS, FILTERS
from taskmgr.domain.model.view import MAX_VIEWS, VIEW_FIELDS
from taskmgr.domain.services import Services
from tests.api.client import Answer, Client, answered, mistakes, problem
from tests.factories import SYSTEM, an_id

BOARD = {"kind": "board", "columns": ["todo", "in_progress"], "swimlanes": "priority", "fields": ["key"]}
FULL = {
    "name": "Late", "filters": {"overdue": "true", "label": ["ui", "docs"], "priority": "high,urgent"},
    "sort": "due_date,-priority", "layout": BOARD, "shared": True,
}  # fmt: skip


def save(client: Client, name: str = "Mine", **fields: Any) -> dict[str, Any]:
    answer = client.post("views", {"name": name, **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


# --- what a view keeps


def test_a_view_keeps_what_it_is_given(client: Client) -> None:
    member = client.as_("member")

    answer = member.post("views", FULL)

    assert answer.status_code == 201
    assert {name: answer.json[name] for name in FULL} == FULL
    assert (answer.json["owner_id"], answer.json["version"]) == (member.user.id, 1)
    found = member.get(answer.headers["Location"])
    assert (found.json, found.headers["ETag"]) == (answer.json, '"1"')


def test_a_view_with_only_a_name_is_a_private_list_of_all_tasks(client: Client) -> None:
    view = save(client.as_("viewer"), "All")

    layout = {"kind": "list", "columns": None, "swimlanes": None, "fields": None}
    assert (view["filters"], view["sort"], view["layout"], view["shared"]) == ({}, None, layout, False)


def test_usernames_become_ids_so_that_a_view_survives_a_new_username(client: Client) -> None:
    admin = client.as_("admin")
    member = client.as_("member").user
    view = save(admin, filters={"assignee": "Member,me,none", "created_by": "system:cli,member"})

    admin.patch(f"users/{member.id}", {"username": "somebody"})

    assert view["filters"] == {"assignee": f"{member.id},me,none", "created_by": f"system:cli,{member.id}"}
    assert admin.get("tasks", **view["filters"]).status_code == 200


def test_a_layout_can_show_every_field_of_a_task() -> None:
    assert VIEW_FIELDS == FIELDS


# --- filters: the view accepts what the list accepts

GOOD: dict[str, list[Any]] = {
    "id": ["OPS-1", "ops-1,TASK-2"], "project": ["task"], "status": ["todo", "todo,in_progress"],
    "category": ["open", "closed,started"], "priority": ["low,urgent"], "assignee": ["me", "none,admin"],
    "created_by": ["me", "system:cli"], "label": ["ui", ["ui", "docs"]], "parent": ["none", "OPS-1"],
    "blocked_by": ["OPS-1"], "blocked": ["true", "false"], "overdue": ["true"], "due": ["any", "none"],
    "due_from": ["2026-03-01"], "due_to": ["2026-03-01T10:00:00Z"], "created_from": ["2026-03-01"],
    "created_to": ["2026-03-01"], "updated_from": ["2026-03-01"], "updated_to": ["2026-03-01"],
    "q": ["login page"], "bin": ["true", "false"],
}  # fmt: skip
BAD: dict[str, list[Any]] = {
    "id": ["", "x", "OPS-1,", "$ne"], "project": ["NOWHERE", "a-b", ""], "status": ["done", "todo,,", "TODO"],
    "category": ["openish", ""], "priority": ["asap", "3"], "assignee": ["nobody-knows", "", an_id(), "*"],
    "created_by": ["nobody-knows", "none", ""], "label": ["a,b", "", ["x" * 41], ["ui"] * 300],
    "parent": ["x", "null"], "blocked_by": ["none", ""], "blocked": ["1", "True", ""], "overdue": ["yes"],
    "due": ["some", ""], "due_from": ["tomorrow", "2026-13-01"], "due_to": ["2026-03-01T10:00:00"],
    "created_from": ["1969-12-31"], "created_to": [""], "updated_from": ["now()"], "updated_to": ["NaN"],
    "q": ["", "!?", "x" * 300], "bin": ["both"],
}  # fmt: skip


@pytest.mark.parametrize("values", [GOOD, BAD], ids=["good", "bad"])
def test_a_view_accepts_exactly_the_filters_that_the_list_accepts(
    values: dict[str, list[Any]], client: Client
) -> None:
    admin = client.as_("admin")
    expected = ("200", "201") if values is GOOD else ("malformed", "invalid")

    for name, texts in values.items():
        for text in texts:
            listed = answered(admin.get("tasks", **{name: text}))
            saved = admin.post("views", {"name": "x", "filters": {name: text}}, dry_run="true")
            assert (str(listed), str(answered(saved))) == expected, (name, text)
            if values is BAD:
                assert mistakes(saved, "invalid")[0][0].startswith(f"body.filters.{name}")


def test_every_filter_is_tried() -> None:
    assert set(GOOD) == set(BAD) == set(FILTERS)


@pytest.mark.parametrize(
    ("fields", "location"),
    [
        ({"name": " "}, "body.name"),
        ({"name": None}, "body.name"),
        ({"filters": None}, "body.filters"),
        ({"filters": []}, "body.filters"),
        ({"filters": {"colour": "red"}}, "body.filters.colour"),
        ({"filters": {"limit": "5"}}, "body.filters.limit"),
        ({"filters": {"overdue": True}}, "body.filters.overdue"),
        ({"filters": {"status": ["todo"]}}, "body.filters.status"),
        ({"sort": "colour"}, "body.sort"),
        ({"sort": 5}, "body.sort"),
        ({"layout": None}, "body.layout"),
        ({"layout": {}}, "body.layout.kind"),
        ({"layout": {"kind": "tree"}}, "body.layout.kind"),
        ({"layout": {"kind": "board", "columns": ["lost"]}}, "body.layout.columns.0"),
        ({"layout": {"kind": "board", "swimlanes": "label"}}, "body.layout.swimlanes"),
        ({"layout": {"kind": "list", "fields": ["colour"]}}, "body.layout.fields.0"),
        ({"layout": {"kind": "list", "colour": "red"}}, "body.layout.colour"),
        ({"shared": "true"}, "body.shared"),
        ({"owner_id": an_id()}, "body.owner_id"),
    ],
)
def test_a_mistake_in_a_view_is_named(client: Client, fields: dict[str, Any], location: str) -> None:
    member = client.as_("member")
    view = save(member)

    created = member.post("views", {"name": "Other", **fields})
    changed = member.patch(f"views/{view['id']}", fields)

    assert [place for place, _ in mistakes(created, "invalid")] == [location]
    assert [place for place, _ in mistakes(changed, "invalid")] == [location]


# --- names and numbers


def test_two_views_of_a_user_have_different_names_and_those_of_two_users_need_not(client: Client) -> None:
    member, manager = client.as_("member"), client.as_("manager")
    save(member, "Late")
    other = save(member, "Soon")

    problem(member.post("views", {"name": "LATE"}), "view_name_taken")
    problem(member.post("views", {"name": "late"}, dry_run="true"), "view_name_taken")
    problem(member.patch(f"views/{other['id']}", {"name": "late "}), "view_name_taken")
    assert save(manager, "Late")["name"] == "Late"
    assert member.patch(f"views/{other['id']}", {"name": "SOON"}).json["name"] == "SOON"


def test_a_user_has_at_most_a_hundred_views(client: Client) -> None:
    member = client.as_("member")
    views = [save(member, f"View {number}") for number in range(MAX_VIEWS)]

    problem(member.post("views", {"name": "One more"}), "too_many_views")
    member.delete(f"views/{views[0]['id']}")

    assert save(member, "One more")["name"] == "One more"
    assert save(client.as_("manager"), "Another")["name"] == "Another"


# --- who sees and changes it


def test_a_private_view_exists_only_for_its_owner(client: Client) -> None:
    owner, admin = client.as_("member"), client.as_("admin")
    path = f"views/{save(owner)['id']}"

    assert owner.get(path).status_code == 200
    for answer in (admin.get(path), admin.patch(path, {"name": "x"}), admin.delete(path)):
        problem(answer, "not_found")
    assert names(owner.get("views")) == ["Mine"]
    assert names(admin.get("views")) == []


def names(answer: Answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [view["name"] for view in answer.json["items"]]


@pytest.mark.parametrize(("who", "outcome"), [("viewer", "not_permitted"), ("manager", 200), ("admin", 200)])
def test_a_shared_view_is_changed_and_deleted_by_managers_too(
    client: Client, who: str, outcome: int | str
) -> None:
    path = f"views/{save(client.as_('member'), shared=True)['id']}"
    caller = client.as_(who)

    assert caller.get(path).status_code == 200
    assert answered(caller.patch(path, {"name": "Ours"})) == outcome
    assert answered(caller.delete(path)) == outcome


def test_a_view_that_is_shared_no_more_is_gone_for_the_others(client: Client) -> None:
    owner, manager = client.as_("member"), client.as_("manager")
    path = f"views/{save(owner, shared=True)['id']}"

    owner.patch(path, {"shared": False})

    problem(manager.get(path), "not_found")


def test_the_list_has_ones_own_and_all_shared_views_by_name(client: Client) -> None:
    member, manager = client.as_("member"), client.as_("manager")
    save(manager, "beta", shared=True)
    save(manager, "hidden")
    save(member, "Alpha")
    save(member, "gamma", shared=True)

    first = member.get("views", limit="2", total="true")
    second = member.get("views", limit="2", total="true", cursor=first.json["next"])

    assert (names(first), names(second), first.json["total"]) == (["Alpha", "beta"], ["gamma"], 3)


def test_a_list_that_has_not_changed_is_not_sent_again(client: Client) -> None:
    member = client.as_("member")
    view = save(member)
    tag = member.get("views").headers["ETag"]

    assert member.get("views", headers={"If-None-Match": tag}).status_code == 304
    member.patch(f"views/{view['id']}", {"name": "Other"})
    assert names(member.get("views", headers={"If-None-Match": tag})) == ["Other"]


def test_the_shared_views_of_a_deactivated_user_stay(client: Client) -> None:
    member, admin = client.as_("member"), client.as_("admin")
    save(member, "Ours", shared=True)

    admin.patch(f"users/{member.user.id}", {"active": False})

    assert names(admin.get("views")) == ["Ours"]


def test_a_process_has_no_views(services: Services) -> None:
    from taskmgr import NotPermitted

    with pytest.raises(NotPermitted, match="Only users have views"):
        services.views.create(name="x", by=SYSTEM)


# --- versions, retries, the log


def test_a_change_makes_a_new_version_and_the_same_values_do_not(client: Client) -> None:
    member = client.as_("member")
    path = f"views/{save(member)['id']}"

    assert member.patch(path, {"filters": {"q": "cake"}}).json["version"] == 2
    assert member.patch(path, {"filters": {"q": "cake"}}).json["version"] == 2
    stale = member.patch(path, {"name": "Late", "version": 1})
    assert problem(stale, "stale")["current"] == member.get(path).json
    problem(member.delete(path, version="1"), "stale")


def test_a_request_that_is_sent_again_saves_one_view(client: Client) -> None:
    member = client.as_("member")

    first, again = (member.post("views", FULL, headers={"Idempotency-Key": "k"}) for _ in range(2))

    assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)
    assert names(member.get("views")) == ["Late"]


def test_a_deleted_view_is_gone_but_for_the_log(client: Client) -> None:
    member = client.as_("member")
    view = save(member, filters={"q": "cake"})

    assert member.delete(f"views/{view['id']}").json == view

    problem(member.get(f"views/{view['id']}"), "not_found")
    log = member.get("activity", entity="view").json["items"]
    assert [entry["kind"] for entry in log] == ["view.deleted", "view.created"]
    assert log[0]["before"] == log[1]["after"]
    assert log[0]["before"]["filters"] == {"q": "cake"}


def test_others_see_of_a_view_in_the_log_what_was_done_while_it_was_shared(client: Client) -> None:
    owner, admin = client.as_("member"), client.as_("admin")
    path = f"views/{save(owner, 'Secret')['id']}"
    for changes in ({"shared": True}, {"name": "Ours"}, {"shared": False}, {"name": "Secret again"}):
        assert owner.patch(path, changes).status_code == 200

    own = owner.get("activity", entity="view").json["items"]
    seen = admin.get("activity", entity="view").json["items"]

    assert [entry["version"] for entry in own] == [5, 4, 3, 2, 1]
    assert [(entry["version"], entry["after"]) for entry in seen] == [(3, {"name": "Ours"})]
