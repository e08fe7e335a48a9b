"""Calls of the deployed API, the way anybody would make them."""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from opportunities.domain import Json


@dataclass(frozen=True)
class Answer:
    status: int
    text: str

    def field(self, name: str) -> Json:
        """One field of a JSON object; None where there is none."""
        try:
            body = json.loads(self.text)
        except ValueError:
            return None
        return body.get(name) if isinstance(body, dict) else None


@dataclass(frozen=True)
class Caller:
    """One user of one API. Loopback only, so no proxy is ever asked."""

    api_url: str
    token: str

    def call(self, method: str, path: str, body: Json = None) -> Answer:
        address = urlsplit(self.api_url)
        connection = http.client.HTTPConnection(address.netloc, timeout=120)
        try:
            connection.request(
                method,
                address.path + path,
                None if body is None else json.dumps(body),
                {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode(errors="replace"))
        finally:
            connection.close()
