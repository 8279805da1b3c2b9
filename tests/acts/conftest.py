"""The engine tests' scripted workflow serves here too."""

from tests.engine.conftest import ann, ask, boss, make, script

__all__ = ["ann", "ask", "boss", "make", "script"]
