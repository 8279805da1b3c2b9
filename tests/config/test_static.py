"""K5: static files are collected under names that tell their content, and kept by browsers."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.templatetags.static import static
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db

CSS = "escapement/escapement.css"


@pytest.fixture
def collected(tmp_path: Path, settings: Settings) -> Path:
    settings.STATIC_ROOT = tmp_path
    settings.WHITENOISE_USE_FINDERS = False
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.STATIC_ROOT = str(tmp_path)  # as another process, which reads the manifest
    return tmp_path


def test_a_first_collection_names_files_by_their_content(collected: Path) -> None:
    address = static(CSS)
    assert address != f"/static/{CSS}"
    file = collected / address.removeprefix("/static/")
    assert file.read_bytes()
    assert Path(f"{file}.gz").exists()


def test_they_are_served_for_good_and_pages_ask_for_them(collected: Path) -> None:
    client = Client()
    assert static(CSS) in client.get("/accounts/login/").content.decode()
    answer = client.get(static(CSS))
    answer.close()
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


def test_what_was_not_collected_does_not_take_the_page_along(collected: Path) -> None:
    assert static("licences/new.css") == "/static/licences/new.css"


def test_without_a_collection_they_are_served_from_the_apps(
    tmp_path: Path, settings: Settings
) -> None:
    settings.STATIC_ROOT = tmp_path
    assert static(CSS) == f"/static/{CSS}"
    answer = Client().get(static(CSS))
    answer.close()
    assert answer.status_code == 200
