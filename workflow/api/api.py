"""The API as a whole: its routers, its authentication, its document."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI, Swagger
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from workflow.api import (
    call_backs,
    effects,
    handlers,
    pauses,
    records,
    requesting,
    transitions,
    workflows,
)
from workflow.api.caller import Key, Session
from workflow.api.document import complete
from workflow.api.reading import Strict, know_its_query

_ABOUT = """\
Move records, watch what becomes of it, and settle what waits for a person.

Send `Authorization: Bearer KEY`, or sign in. Problems are RFC 9457 documents with a stable
`code`. Lists come in pages: send `next` as `cursor` for the page after.
"""


class Api(NinjaAPI):
    """Ninja's API with our document."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the OpenAPI document, completed."""
        return complete(super().get_openapi_schema(**options))

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the operation's name, by which generated clients know it: it stays."""
        return operation.view_func.__name__


api = Api(
    title="Escapement",
    version="1",
    description=_ABOUT,
    urls_namespace="api-1",
    auth=[Key(), Session()],
    docs=Swagger(settings={"defaultModelsExpandDepth": -1}),
    parser=Strict(),
)
handlers.register(api)
for each in (requesting, transitions, records, effects, call_backs, pauses, workflows):
    for _path in each.router.path_operations.values():
        for _operation in _path.operations:
            know_its_query(_operation)
    api.add_router("", each.router)
