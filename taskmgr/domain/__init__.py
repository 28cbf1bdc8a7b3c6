"""The domain: what tasks and users are, what may be done with them, and why not.

`model` has the entities, `rules` what is allowed, `history` the log of changes, `queries` the queries
for lists and statistics, `ports` what the domain needs from outside, and `services` the use cases. Imports
only the standard library.
"""
