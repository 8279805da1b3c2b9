"""G2, G5: the OpenAPI document, the list of codes, and whether what is served matches them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from tests.api.conftest import Api
from tests.conftest import PROJECT
from workflow.api.problems import CODES

REFERENCE = PROJECT / "docs/reference/api.md"


@pytest.fixture
def document(db: None) -> dict[str, Any]:
    told: dict[str, Any] = Client().get("/api/v1/openapi.json").json()
    return told


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert set(document["components"]["securitySchemes"]) == {"Key", "Session", "Signed"}


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_says_what_it_does_and_has_a_name_that_stays(
    document: dict[str, Any],
) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for _, _, operation in operations(document):
        assert operation["description"]
        assert operation["security"]


def test_every_problem_has_its_media_type(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        answers = "image/svg+xml" if path.endswith(".svg") else "application/json"
        for status, response in operation["responses"].items():
            kind = "application/problem+json" if int(status) >= 400 else answers
            assert list(response["content"]) == [kind]


def test_bodies_take_no_unknown_fields(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        body = operation.get("requestBody")
        if body is None or path.endswith("/call-backs/{key}"):
            continue
        name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert document["components"]["schemas"][name]["additionalProperties"] is False, name


def test_the_reference_lists_every_code_with_its_status() -> None:
    text = REFERENCE.read_text()
    listed = {
        code: int(status) for code, status in re.findall(r"^\| `(\w+)` \| (\d{3}) \|", text, re.M)
    }
    assert listed == {code: status for code, (status, _) in CODES.items()}


def test_the_reference_lists_every_operation(document: dict[str, Any]) -> None:
    text = REFERENCE.read_text()
    listed = set(re.findall(r"^\| `(GET|POST) (/[^`]*)` \|", text, re.M))
    served = {
        (method.upper(), path.removeprefix("/api/v1")) for method, path, _ in operations(document)
    }
    assert listed == served


def test_the_page_of_documents_loads_nothing_from_elsewhere(db: None) -> None:
    page = Client().get("/api/v1/docs")
    assert page.status_code == 200
    text = page.content.decode()
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", text)
    assert "<style" not in text
    scripts = re.findall(r"<script(?![^>]*src=)([^>]*)>", text)
    assert all('type="application/json"' in each for each in scripts)


def test_examples_in_the_reference_are_json_that_is_taken(api: Api, probe_record: Any) -> None:
    blocks = re.findall(r"```json\n(.*?)```", REFERENCE.read_text(), re.S)
    assert blocks
    for block in blocks:
        json.loads(block)
