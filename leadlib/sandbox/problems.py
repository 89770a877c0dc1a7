"""Refusals, and the two shapes in which the portal words them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

V2_HEADER: Final = "X-PF-Error-Format"
V2_VALUE: Final = "problem-json-v2"

_LEGACY_TYPES: Final[Mapping[int, str]] = {
    400: "SCHEMA_VALIDATION", 401: "AUTHENTICATION", 403: "AUTHORIZATION", 404: "NOT_FOUND", 409: "CONFLICT",
    422: "BUSINESS_VALIDATION", 429: "RATE_LIMIT", 500: "INTERNAL", 502: "BAD_GATEWAY", 503: "TIMEOUT",
}  # fmt: skip


class ProblemError(Exception):
    """A refusal: its HTTP status, a sentence, the parameter at fault (a JSON pointer) and extra headers."""

    def __init__(
        self, status: int, detail: str, pointer: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.pointer = pointer
        self.headers = dict(headers or {})

    def body(self, is_v2: bool, trace_id: str) -> bytes:
        """The JSON of the refusal, in the format asked for."""
        title = HTTPStatus(self.status).phrase
        if is_v2:
            slug = f"{self.status}-{title.lower().replace(' ', '-')}"
            problem: dict[str, object] = {
                "type": f"https://problems.atlas.propertyfinder.com/common-http-{slug}/",
                "code": f"common_http_{slug}",
                "title": title,
                "status": self.status,
                "detail": self.detail,
                "attributes": {"trace_id": trace_id},
            }
        else:
            problem = {"title": title, "detail": self.detail, "type": _LEGACY_TYPES.get(self.status, "INTERNAL")}
        if self.pointer is not None:
            problem["errors"] = [{"detail": self.detail, "pointer": self.pointer}]
        return json.dumps(problem).encode()
