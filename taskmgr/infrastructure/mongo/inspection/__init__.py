"""Checks the stored data for `taskmgr doctor`: finds documents that no command could have written.

There is one module for each kind of document, and `database.py` calls them all. A new collection gets a
function here that reports its findings, and a call in `database.py`; docs/running.md explains the codes.
"""
