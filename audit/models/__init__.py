"""What is stored: entries, seals over them, the keys that sign, and what was found on checking."""

from audit.models.anchoring import Anchoring
from audit.models.entry import Entry
from audit.models.key import SealKey
from audit.models.personal import PersonalValue
from audit.models.seal import Seal, SealedHead, Unsealed
from audit.models.verification import Problem, Verification

APPEND_ONLY = (Entry, Seal, SealedHead, SealKey, Anchoring)
"""Models whose rows are evidence: the database is to refuse update, delete and truncate.

The others are not: a mark of an unsealed chain goes when the chain is sealed, a personal value
when it is redacted, a verification's progress is written as it goes.
"""

__all__ = [
    "APPEND_ONLY",
    "Anchoring",
    "Entry",
    "PersonalValue",
    "Problem",
    "Seal",
    "SealKey",
    "SealedHead",
    "Unsealed",
    "Verification",
]
