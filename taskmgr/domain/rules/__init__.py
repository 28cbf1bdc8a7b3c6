"""Decides what may be done and how urgent a task is, as pure functions: nothing here reads a store.

`rule_book.py` lists the rules, which stand in the `*_rules.py` modules by what makes them change. A rule
judges a `Step` by `Facts`. `permissions.py` has the rights of the roles, `urgency.py` the effective priority.
"""
