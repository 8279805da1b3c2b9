"""SQL Server's backend without a server: what can be asked of it there."""

from __future__ import annotations

import sys
from importlib import import_module
from unittest.mock import MagicMock

import pytest
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

_RELEASE = 2022


def unconnected(monkeypatch: pytest.MonkeyPatch) -> BaseDatabaseWrapper:
    """Return the real backend, unconnected. It imports pyodbc, which needs a driver manager."""
    try:
        import_module("pyodbc")
    except ImportError:
        monkeypatch.setitem(sys.modules, "pyodbc", MagicMock(version="5.3.0"))
    from mssql.base import DatabaseWrapper

    options = {**settings.DATABASES["default"], "ENGINE": "mssql", "NAME": "x", "OPTIONS": {}}
    wrapper: BaseDatabaseWrapper = DatabaseWrapper(options, alias="default")
    # It would ask its server for these.
    vars(wrapper).update(sql_server_version=_RELEASE, to_azure_sql_db=False)
    return wrapper
