"""Begin a new app: model, guards, effects, workflow, admin, and tests that pass."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import CommandError, CommandParser
from django.core.management.templates import TemplateCommand
from django.utils.text import camel_case_to_spaces

SCAFFOLD = Path(__file__).resolve().parent.parent / "scaffold"

_NEXT = """\
{folder} is there. Next:

  export APPS={name}                  # or add it to APPS where you set it
  {manage} migrate
  {test} {folder}
  {manage} crashtest {name}           # kills its workers, everywhere
  {manage} simulate_downstreams       # plays the register that it tells

Then replace the fields in models.py by your own, and the migration that made the others:

  {manage} migrate {name} zero
  rm {folder}/migrations/0001_initial.py
  {manage} makemigrations {name}
  {manage} migrate
"""


class Command(TemplateCommand):
    """Make an app from the scaffold."""

    help = "Begin a new app with a workflow of its own. Its tests, a crash test among them, pass."
    missing_args_message = "Say what the app is to be called, such as: licences"

    def add_arguments(self, parser: CommandParser) -> None:  # type: ignore[override]
        """Take the names and the folder."""
        parser.add_argument("name", help="Of the app: a Python name, such as licences.")
        parser.add_argument("directory", nargs="?", help="Where to; by default a new folder here.")
        parser.add_argument("--model", help="Such as Licence; by default made of the app's name.")

    def handle(self, *, name: str, directory: str | None, **options: Any) -> None:  # type: ignore[override]
        """Write the app.

        Raises:
            CommandError: A name cannot be used, or something is there already.
        """
        if not re.fullmatch(r"[a-z][a-z0-9_]{1,30}", name):
            raise CommandError(
                f"{name!r} cannot name an app: use lower-case letters, digits and underscores."
            )
        if apps.is_installed(name) or name in {each.label for each in apps.get_app_configs()}:
            raise CommandError(f"There is an app {name!r} already; choose another name.")
        model = options.pop("model") or _model_of(name)
        if not re.fullmatch(r"[A-Z][A-Za-z0-9]{0,40}", model):
            raise CommandError(f"--model {model!r}: use a class name, such as Licence.")
        folder = Path(directory or name)
        if not folder.exists() and find_spec(name) is not None:
            raise CommandError(f"{name!r} is a Python module already; choose another name.")
        if folder.exists() and any(folder.iterdir()):
            raise CommandError(f"{folder} is not empty; nothing was written.")
        folder.mkdir(parents=True, exist_ok=True)
        options |= {
            "template": str(SCAFFOLD),
            "extensions": ["py"],
            "files": [],
            "exclude": [],
            "model": model,
            "lower": model.lower(),
            "upper": model.upper(),
            "verbose": camel_case_to_spaces(model),
        }
        super().handle("app", name, str(folder), **options)
        manage, test = _programs()
        self.stdout.write(_NEXT.format(folder=folder, name=name, manage=manage, test=test))

    def validate_name(self, name: str, name_or_dir: str = "name") -> None:
        """Do nothing: it was done before the folder was made, which Python takes for a module."""


def _programs() -> tuple[str, str]:
    """Return how this person calls commands and tests: by `run.py`, or in an environment."""
    if Path("run.py").exists() and not os.environ.get("VIRTUAL_ENV"):
        return "python run.py manage", "python run.py test"
    return "python manage.py", "python -m pytest"


def _model_of(name: str) -> str:
    singular = name[:-1] if name.endswith("s") and len(name) > 3 else name  # noqa: PLR2004
    return "".join(part.capitalize() for part in singular.split("_"))
