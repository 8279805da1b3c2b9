"""The callers and records of the API's tests."""

from tests.api.conftest import ann, api, keyed, make, probe_record, script

__all__ = ["ann", "api", "keyed", "make", "probe_record", "script"]
