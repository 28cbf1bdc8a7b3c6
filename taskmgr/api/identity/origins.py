"""Refuses requests that the page of another site has made a browser send (CSRF)."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Request

from taskmgr.api.problems.codes import ApiError


class OwnOrigin:
    """Recognises requests from the service's own pages by headers that pages cannot set.

    Without a public address in the settings, an origin is the service's own if it has the host that the
    request was sent to.
    """

    def __init__(self, public_url: str | None) -> None:
        self._public = None if public_url is None else _origin_of(public_url)

    def require(self, request: Request) -> None:
        """Raises `cross_site` unless the request is known to come from an own page.

        Required of a request that a cookie authenticates, because browsers send cookies by themselves.
        """
        if not self._is_own(request):
            raise _cross_site()

    def refuse_others(self, request: Request) -> None:
        """Raises `cross_site` if the request comes from another site; a program may say nothing about it."""
        if self._is_own(request) is False:
            raise _cross_site()

    def _is_own(self, request: Request) -> bool | None:
        """Returns None if the request does not say where it comes from."""
        site: str | None = request.environ.get("HTTP_SEC_FETCH_SITE")
        if site is not None:
            return site == "same-origin"
        origin: str | None = request.environ.get("HTTP_ORIGIN")
        return None if origin is None else origin in self._own(request)

    def _own(self, request: Request) -> tuple[str, ...]:
        if self._public is not None:
            return (self._public,)
        host = request.environ.get("HTTP_HOST", "")
        return f"https://{host}", f"http://{host}"


def _origin_of(url: str) -> str:
    """Returns the origin of a URL as browsers send it: in lower case, without path and default port."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme}://{host.removesuffix(':443' if parts.scheme == 'https' else ':80')}"


def _cross_site() -> ApiError:
    detail = "A request with a session must come from the service's own pages; send a token instead."
    return ApiError("cross_site", detail)
