"""Queries: the filters, sorts and pages of each list, independent of the store that evaluates them.

Each kind of query has a module; `validation.py` checks them. A new list gets a query type here, a
method in a port and a repository that implements it.
"""
