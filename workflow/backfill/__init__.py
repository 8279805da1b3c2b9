"""History from elsewhere, brought under the engine: honestly marked, while live work goes on.

The way of a row: a *source* yields it (`sources`), the adopter's *mapping* says what it means
(`mapping`, `read`), the *spool* brings a record's events together (`spool`), they are *judged* as
a chain (`judge`), compared with what is *known* (`known`, `plan`), and *adopted* (`adopt`,
`write`). `run` puts it together; `shadow` compares the outcome with the source.
"""
