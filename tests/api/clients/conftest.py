"""One running service for all clients, and the tools that make them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.clients import tools
from tests.needed import IN_CI
from tests.running import Service, serving, short_folder


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder of Node's tools."""
    try:
        return tools.install()
    except tools.Missing as missing:
        if IN_CI:
            pytest.fail(str(missing))
        pytest.skip(f"NOT TESTED: clients in TypeScript. {missing}")


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """`taskmgr serve`, with a database of its own."""
    with short_folder() as place, serving(place) as running:
        yield running


@pytest.fixture(scope="session")
def document(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document that the service answers, in a file."""
    status, found = service.call("GET", "/openapi.json")
    assert status == 200
    file = tmp_path_factory.mktemp("document") / "openapi.json"
    file.write_text(json.dumps(found))
    return file


@pytest.fixture(scope="session")
def access(service: Service) -> dict[str, str]:
    """What a client is told: the service's address and a token."""
    return {"TASKMGR_URL": f"http://127.0.0.1:{service.port}", "TASKMGR_TOKEN": service.token}
