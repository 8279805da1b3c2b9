"""The inspector's bundle of one record, as a download."""

from __future__ import annotations

import tempfile
from pathlib import Path
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from workflow.acts import rights
from workflow.acts.rights import Right
from workflow.admin import records
from workflow.evidence.bundle import pack
from workflow.pages.user import signed_in


@require_safe
def evidence(request: HttpRequest, pk: UUID) -> FileResponse:
    """Pack what is written of a record, personal values left out, with the means to check it.

    Who needs the personal values too gets them from `manage.py evidence_bundle`.
    """
    user = signed_in(request)
    if not (rights.has(user, Right.VIEW) and user.has_perm("audit.view_entry")):
        raise PermissionDenied(
            _("This takes the permissions workflow.view_record and audit.view_entry.")
        )
    record = records.find(pk)
    with tempfile.TemporaryDirectory(prefix="escapement-bundle-") as folder:
        file = Path(folder, "bundle.zip")
        pack(chains=[record.pk], to=file, with_personal=False)
        opened = file.open("rb")
    name = f"evidence-{slugify(record.reference) or record.pk}.zip"
    return FileResponse(opened, as_attachment=True, filename=name)
