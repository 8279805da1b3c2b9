"""Backfill runs and what they could not adopt."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from workflow.admin.readonly import ReadOnly
from workflow.backfill.report import of_run, table
from workflow.models import BackfillReject, BackfillRun
from workflow.queries.moments import duration


@admin.register(BackfillRun)
class BackfillRunAdmin(ReadOnly):
    """Every run: how far it is, at which rate, and what became of the rows."""

    list_display = ("started_at", "source", "mapping", "state", "progress", "rate", "time_left")
    list_filter = ("state", "mapping")
    search_fields = ("source", "id__exact")
    ordering = ("-started_at",)
    fields = (
        "source",
        "mapping",
        "workflow",
        "state",
        "progress",
        "rate",
        "time_left",
        "report",
        "is_strict",
        "source_digest",
        "started_by",
        "process",
        "started_at",
        "finished_at",
        "cursor",
    )

    @admin.display(description=_("done"))
    def progress(self, run: BackfillRun) -> str:
        """Return rows done of all rows."""
        if run.rows is None:
            return gettext("reading the source")
        done = of_run(run).accounted
        share = f" ({done / run.rows:.0%})" if run.rows else ""
        return gettext("%(done)s of %(all)s rows%(share)s") % {
            "done": f"{done:,}",
            "all": f"{run.rows:,}",
            "share": share,
        }

    @admin.display(description=_("rate"))
    def rate(self, run: BackfillRun) -> str:
        """Return events a second."""
        return gettext("%(n)s events/s") % {"n": f"{run.rate:,.0f}"} if run.rate else "-"

    @admin.display(description=_("time left"))
    def time_left(self, run: BackfillRun) -> str:
        """Return the time left at this rate."""
        return "-" if run.time_left is None else duration(run.time_left)

    @admin.display(description=_("report"))
    def report(self, run: BackfillRun) -> SafeString:
        """Return the table that accounts for every row."""
        lines = ((line,) for line in table(of_run(run)))
        return format_html_join("", "<pre>{}</pre>", [("\n".join(line for (line,) in lines),)])


@admin.register(BackfillReject)
class BackfillRejectAdmin(ReadOnly):
    """Every row or event that was not adopted, with its reason."""

    list_display = ("source_row", "reference", "transition", "code", "message", "resolved_at")
    list_filter = ("code", ("resolved_at", admin.EmptyFieldListFilter), "run")
    list_select_related = ("run",)
    search_fields = ("reference__startswith", "id__exact", "run__id__exact")
    ordering = ("-rejected_at", "source_row")
