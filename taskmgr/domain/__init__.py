"""The rules: what a task and a user are, what may be done with them, and why not.

Imports the standard library alone.
"""
