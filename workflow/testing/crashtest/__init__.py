"""Killing the workers of one's own workflow at every durable boundary: `manage.py crashtest NAME`.

An app says in its `crashtest.py`, next to `workflows.py`, how a fresh record is made and what is
asked for:

    class Declarations(CrashTest[Declaration]):
        workflow = DECLARATION

        def fresh(self, number: int) -> Fresh[Declaration]: ...

    register(Declarations())

The rest follows from the workflow: who may ask, by which way a record comes to the source of a
transition, where a worker can die. `hook` is what an adopter writes against, `cases` lists what is
tried, `trial` tries one, `run` tries all, `report` tells.
"""

from workflow.testing.crashtest.hook import CrashTest, Fresh, Outside, find, register, somebody

__all__ = ["CrashTest", "Fresh", "Outside", "find", "register", "somebody"]
