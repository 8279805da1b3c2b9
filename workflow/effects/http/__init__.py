"""HTTP calls whose outcome is never guessed: `deliver` sends, `ask` looks up, `poll` waits."""

from workflow.effects.http.ask import ask, poll
from workflow.effects.http.deliver import deliver

__all__ = ["ask", "deliver", "poll"]
