"""Django's admin site, in our words: our header leads where its sidebar would."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

admin.site.site_header = "Escapement"
admin.site.site_title = "Escapement"
admin.site.index_title = _("Tables")
admin.site.enable_nav_sidebar = False
