"""Looking at a live system: what is wrong with it, in plain words, and the repair.

Each module looks at one side and yields findings; `examine` asks them all. Looking writes nothing
and is bounded: what is unfinished is few, what is finished is looked at in the records that moved
last, and only `full` reads everything. A finding that has a `mend` can be put right by the engine
itself, without a decision that a person has to take; everything else is proposed and never done.

`restore` is for the hours after a backup was restored: what the world outside may have that the
database lacks.
"""
