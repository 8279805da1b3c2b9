"""Static files: under names that tell their content once they are collected, else as they are."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Collected(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # no type hints
    """What `collectstatic` writes, and whose names pages use.

    A choice between two storages by whether there is a manifest would never make one: before the
    first collection there is none. A file that was not collected, as after an upgrade without it,
    keeps its plain name: a page without an icon is better than none.
    """

    def stored_name(self, name: str) -> str:
        """Return the name that a page uses."""
        try:
            return str(super().stored_name(name)) if self.hashed_files else name
        except ValueError:
            return name
