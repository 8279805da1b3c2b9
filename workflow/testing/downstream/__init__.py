"""Simulated downstreams: real HTTP servers that fail as real ones do, and remember what they did.

They count at the receiver. Whether a payment was made twice is not for the sender to say.

    with simulators(faults=Faults.each(0.1, seed=1)) as downstream:
        ...  # call downstream.url + "/payments/instructions"
        assert downstream.journal.summary().most_payments == 1

Standard library only. `python -m workflow.testing.downstream` runs them as a process.
"""

from workflow.testing.downstream.faults import Fault, Faults
from workflow.testing.downstream.journal import Call, Deed, Journal
from workflow.testing.downstream.process import SimulatorProcess
from workflow.testing.downstream.simulators import Simulators, simulators
from workflow.testing.downstream.summary import Summary

__all__ = [
    "Call",
    "Deed",
    "Fault",
    "Faults",
    "Journal",
    "SimulatorProcess",
    "Simulators",
    "Summary",
    "simulators",
]
