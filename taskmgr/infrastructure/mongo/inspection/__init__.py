"""`taskmgr doctor`'s look at the data: finds stored documents that no command could have written.

One module for each kind of document. A new collection gets a function here that yields or reports its
findings, and a call in `database.py`; a new code of a finding is explained in docs/running.md.
"""
