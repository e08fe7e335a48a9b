"""What both clients make of httpx: how they reach the API, and which of its errors are no answer."""

from ipaddress import ip_address
from typing import TypedDict
from urllib.parse import urlsplit

import httpx

from opscan.client.exchange import NoResponse, Request, Response

# What httpx raises where nothing usable came back.
FAILURES = (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)


class Options(TypedDict):
    """What `httpx.Client` and `httpx.AsyncClient` are made with."""

    base_url: str
    timeout: httpx.Timeout
    trust_env: bool


def options(url: str) -> Options:
    return Options(
        base_url=url,
        timeout=httpx.Timeout(35.0, connect=5.0),  # an HTTP API itself gives up after 30
        trust_env=not _loopback(url),  # a proxy cannot reach this machine's own addresses
    )


def bearer(token: str) -> str:
    """The token as a header can hold it. ValueError for one that is empty or has spaces or other signs within."""
    stripped = token.strip()
    if not stripped.isascii() or not stripped.isprintable() or not stripped or " " in stripped:
        raise ValueError("the token is no access token: it is empty, or holds more than visible ASCII characters")
    return stripped


def built(client: httpx.Client | httpx.AsyncClient, request: Request, token: str) -> httpx.Request:
    return client.build_request(
        request.method,
        request.path,
        params=request.params or None,
        json=request.body,
        headers={"Accept": "application/json", "Authorization": f"Bearer {token}", **request.headers},
    )


def answered(response: httpx.Response) -> Response:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(response.status_code, headers, response.content, str(response.request.url))


def failed(error: Exception) -> NoResponse:
    return NoResponse(
        reason=str(error) or type(error).__name__,
        timed_out=isinstance(error, httpx.TimeoutException),
        sent=not isinstance(error, _NEVER_SENT),
    )


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return host.endswith(".localhost")
