"""django-q2 brings pages of its own, which are taken away.

A schedule may name any function, and a task's result is a pickle that nobody signed: who may edit
the one, or plant the other, runs code. Schedules are made by commands.
"""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin

for model in apps.get_app_config("django_q").get_models():
    if admin.site.is_registered(model):
        admin.site.unregister(model)
