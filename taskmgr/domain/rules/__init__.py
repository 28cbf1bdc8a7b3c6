"""Decides what may be done and how urgent a task is, as pure functions: nothing here reads a store.

`rule_book.py` lists the rules; each is in the `*_rules.py` module of its subject. A rule judges a `Step` by
`Facts`. `permissions.py` has the rights of the roles, `urgency.py` the effective priority.
"""
