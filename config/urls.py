"""Addresses."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="desk:inbox"), name="home"),
    path("desk/", include("workflow.pages.urls")),
    path("admin/", include("workflow.admin.urls")),
    path("admin/", admin.site.urls),
    path("language/", set_language, name="set_language"),
    path("accounts/", include("django.contrib.auth.urls")),
    path("", include("workflow.operations.urls")),
    path("api/", include("workflow.api.urls")),
    path("declarations/", include("workflow.examples.declarations.urls")),
]
handler400 = "config.errors.bad_request"
handler500 = "config.errors.failed"
if settings.OIDC_RP_CLIENT_ID:
    urlpatterns.append(path("oidc/", include("mozilla_django_oidc.urls")))
