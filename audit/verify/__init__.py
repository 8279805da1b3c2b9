"""Reading the trail back, and naming the first entry that is not what was written.

Three things are compared, chain by chain, in one pass: the entries with their digests (`walk`,
`diagnosis`), the seals with where the chains end (`seals`), and what the rest of the database says
about the chains' subjects with what their entries say (`witness`). `trail` reads them all, in
pages by key and so in flat memory, while others write; `run` keeps how far it has come and what it
found.
"""

from audit.verify.fault import Fault, Kind
from audit.verify.trail import Report, check_chain, verify, verify_all

__all__ = ["Fault", "Kind", "Report", "check_chain", "verify", "verify_all"]
