"""The OpenAPI document: ninja's, with what it cannot know.

Problems have a media type of their own, answers have headers, and any operation may find out that
its caller is not signed in.
"""

from __future__ import annotations

from typing import Any

from ninja.openapi.schema import OpenAPISchema

from workflow.api.problems import CODES, MEDIA_TYPE, ProblemDocument

SVG = "image/svg+xml"

_ALWAYS = (401, 403, 405, 422, 500, 503)
_ERRORS = 400
_REFERENCE = {"$ref": "#/components/schemas/ProblemDocument"}

_HEADERS: dict[str, dict[str, str]] = {
    "X-Correlation-ID": {"description": "By which logs, pages and trail tell of this request."},
    "traceresponse": {"description": "The trace that it belongs to (W3C Trace Context)."},
}
_OF_202 = {
    "Location": {"description": "Where the transition is."},
    "Idempotency-Replayed": {"description": "`true` if this very request came before."},
}
_OF_RECORD = {"ETag": {"description": "The record's version; send it as If-Match."}}

_PARAMETERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
        "description": "New for each wish, the same when you repeat one.",
    },
    "If-Match": {
        "schema": {"type": "string", "pattern": '^"(0|[1-9][0-9]{0,8})"$'},
        "description": "ETag of the record: only from this version.",
    },
}


def problems(*statuses: int) -> frozenset[int]:
    """Return the statuses of problems that an operation may answer, those of all included."""
    return frozenset({*statuses, *_ALWAYS})


def complete(document: OpenAPISchema) -> OpenAPISchema:
    """Add to a document what ninja does not know; return it."""
    schemas = document["components"].setdefault("schemas", {})
    made = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(made.pop("$defs", {}))
    schemas["ProblemDocument"] = made
    made["properties"]["code"]["enum"] = sorted(CODES)
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                parameter.update(_PARAMETERS.get(parameter["name"], {}))
            for status, response in operation["responses"].items():
                _complete(path, int(status), response)
    return document


def _complete(path: str, status: int, response: dict[str, Any]) -> None:
    headers = dict(_HEADERS)
    if status == 202:  # noqa: PLR2004  (Accepted)
        headers |= _OF_202
    if status == 200 and path.endswith("/records/{record}"):  # noqa: PLR2004  (OK)
        headers |= _OF_RECORD
    response["headers"] = {
        name: {**about, "schema": {"type": "string"}} for name, about in headers.items()
    }
    if status == 200 and path.endswith(".svg"):  # noqa: PLR2004  (OK)
        response["content"] = {SVG: {"schema": {"type": "string"}}}
    if status >= _ERRORS:
        response["content"] = {MEDIA_TYPE: {"schema": _REFERENCE}}
