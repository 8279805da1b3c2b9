"""Travel-expense declarations: an ordinary Django app on the engine, the folder to copy.

What is where: `models` (fields and statuses), `workflows` (the table of transitions), `guards`
(who may do what, and when), `forms` (what a transition asks for), `stamps` (what it writes),
`roles` (groups and their permissions). It touches no engine code.
"""
