"""Queries: what can be asked of each list, as values that do not know how a store answers.

Each kind of query has a module; `validation.py` checks them. A new list gets a query type here, a
method in a port and a repository that implements it.
"""
