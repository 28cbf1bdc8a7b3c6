"""Tests what needs no token: the links, health, the OpenAPI document, the pages, and their headers."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest

from taskmgr import __version__
from taskmgr.api.problems.codes import CODES
from taskmgr.api.problems.reference_page import FIXES, RULES
from taskmgr.api.schemas.problems import REFUSALS
from taskmgr.domain.model.policy import DEFAULT_POLICY
from tests.api.client import Client, problem
from tests.docs.markdown import read, section

PAGES = ["/docs", "/docs/errors", "/sign-in", "/signed-in", "/welcome"]
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class _References(HTMLParser):
    """Collects what a page loads, its inline scripts and its event handlers."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.anchors: set[str] = set()
        self._script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loaded += [str(given[name]) for name in ("src", "href", "action") if name in given]
        self.inline += [f"{name}={value}" for name, value in attrs if name.startswith("on")]
        self.anchors |= {str(given["id"])} if "id" in given else set()
        self._script = tag == "script"

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.inline.append(data)


def test_the_root_leads_everywhere(client: Client) -> None:
    found = client.get("/").json

    assert (found["name"], found["version"]) == ("taskmgr", __version__)
    reader = client.as_("admin")
    for name, path in found["links"].items():
        assert reader.get(path).status_code == 200, name


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_healthy_service_says_so(path: str, client: Client) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.json["status"]) == (200, "ok")


def test_the_workflow_has_what_a_board_needs(client: Client) -> None:
    found = client.as_("viewer").get("workflow").json

    flow = DEFAULT_POLICY.workflow
    assert [status["name"] for status in found["statuses"]] == list(flow.statuses)
    assert {status["name"]: tuple(status["transitions"]) for status in found["statuses"]} == flow.transitions
    assert {s["name"]: s["category"] for s in found["statuses"]} == {
        name: category.value for name, category in flow.categories.items()
    }
    assert found | {"statuses": None} == {
        "initial": "todo", "statuses": None, "priorities": ["low", "medium", "high", "urgent"],
        "limits": {"wip": 5, "urgent": 3}, "four_eyes": False, "time_zone": "UTC",
    }  # fmt: skip


# --- the pages


@pytest.mark.parametrize("path", PAGES)
def test_a_page_refers_to_nothing_outside_and_all_of_it_is_there(path: str, client: Client) -> None:
    page = _References(client.get(path).text)

    for reference in page.loaded:
        assert not urlsplit(reference).netloc, reference
        # The button of the identity provider leads on to it.
        assert client.get(urljoin(path, reference)).status_code in (200, 303), reference


@pytest.mark.parametrize("path", [*PAGES, "/docs/docs.js", "/docs/pages.css", "/docs/assets/swagger-ui.css"])
def test_the_content_security_policy_allows_no_inline_script_and_no_other_origin(
    path: str, client: Client
) -> None:
    policy = client.get(path).headers["Content-Security-Policy"]

    given = {name: set(sources) for name, *sources in (part.split() for part in policy.split(";"))}
    assert given["default-src"] == {"'none'"}
    assert given["script-src"] == {"'self'"}
    assert given["frame-ancestors"] == {"'none'"}
    assert not re.search(r"https?:|\*|unsafe-eval", policy)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_works_under_its_own_policy(path: str, client: Client) -> None:
    assert _References(client.get(path).text).inline == []


def test_a_browser_gets_a_page_where_a_program_gets_links(client: Client) -> None:
    page, links = client.get("/", headers=HTML), client.get("/", headers={"Accept": "*/*"})

    assert (page.mimetype, links.mimetype) == ("text/html", "application/json")
    assert page.headers["Vary"] == links.headers["Vary"] == "Accept"
    assert _References(page.text).inline == []


@pytest.mark.parametrize("path", ["/", "/sign-in", "/signed-in", "/welcome"])
def test_the_pages_of_signing_in_run_no_script_but_ours(path: str, client: Client) -> None:
    policy = client.get(path, headers=HTML).headers["Content-Security-Policy"]

    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/sign-in", "/welcome"])
def test_a_form_that_is_sent_before_its_script_runs_puts_no_password_into_an_address(
    path: str, client: Client
) -> None:
    forms = re.findall(r"<form\b[^>]*>", client.get(path, headers=HTML).text)

    assert forms
    assert all('method="post"' in form for form in forms)


@pytest.mark.parametrize("path", ["/", *PAGES])
def test_no_page_can_be_framed(path: str, client: Client) -> None:
    page = client.get(path, headers=HTML)

    assert page.mimetype == "text/html"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_the_page_asks_for_our_own_document_and_no_validator(client: Client) -> None:
    script = client.get("/docs/docs.js").text

    assert '"/openapi.json"' in script
    assert "validatorUrl: null" in script
    assert "http" not in script


def test_the_type_of_a_problem_is_on_the_page_of_errors(client: Client) -> None:
    page = _References(client.get("/docs/errors").text)

    assert page.anchors == {"errors", "rules", *CODES, *RULES}
    assert urlsplit(problem(client.get("tasks"), "unauthenticated")["type"]).fragment in page.anchors


def test_every_code_of_an_error_and_of_a_rule_is_explained_with_what_to_do() -> None:
    assert set(FIXES) == set(CODES)
    assert set(RULES) == set(REFUSALS) - {"not_permitted"}  # which is the code of an error, too
    assert not set(RULES) & set(CODES)


@pytest.mark.parametrize("code", RULES)
def test_the_page_and_the_rules_agree_on_what_can_be_overridden(code: str) -> None:
    explanation = section(read("docs/rules.md"), f"`{code}`")

    assert RULES[code].overridable == ("Can be overridden" in explanation)
    assert ("Cannot be overridden" in explanation) != RULES[code].overridable


def test_the_pages_lead_to_each_other(client: Client) -> None:
    assert "/docs/errors" in _References(client.get("/docs").text).loaded
    assert "/docs" in _References(client.get("/docs/errors").text).loaded


def test_the_page_of_errors_explains_every_code_and_what_to_do(client: Client) -> None:
    page = client.get("/docs/errors").text

    assert '<section id="refused">' in page
    assert "Rely on its <code>code</code>" in page
    assert page.count('class="fix"') == len(CODES) + len(RULES)
    assert "`" not in page


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/errors", "text/html; charset=utf-8"),
        ("/docs/pages.css", "text/css; charset=utf-8"),
        ("/docs/docs.js", "text/javascript; charset=utf-8"),
        ("/docs/assets/swagger-ui.css", "text/css; charset=utf-8"),
        ("/openapi.json", "application/json"),
        ("/", "application/json"),
        ("/healthz", "application/json"),
    ],
)
def test_every_path_has_its_content_type(path: str, content_type: str, client: Client) -> None:
    assert client.get(path).content_type == content_type


@pytest.mark.parametrize("path", [*PAGES, "/", "/healthz", "/openapi.json", "/nowhere", "tasks", "users/me"])
def test_every_response_has_the_security_headers(path: str, client: Client) -> None:
    for caller in (client, client.as_("viewer")):
        headers = caller.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Request-Id"]
        assert "Set-Cookie" not in headers
        assert "Server" not in headers


def test_a_file_of_the_page_is_not_sent_again_while_it_is_the_same(client: Client) -> None:
    first = client.get("/docs/assets/swagger-ui.css")

    again = client.get("/docs/assets/swagger-ui.css", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("span", ["bytes=5-1", "bytes=99999999-", "lines=1-2"])
def test_a_part_of_a_file_that_is_not_there_is_a_problem(span: str, client: Client) -> None:
    answer = client.get("/docs/assets/swagger-ui.css", headers={"Range": span})

    assert answer.status_code == 200 or answer.content_type == "application/problem+json"
