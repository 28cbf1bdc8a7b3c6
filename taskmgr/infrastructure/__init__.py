"""Implements the domain's ports on MongoDB, runs the MongoDB server that the service starts, and reads files.

Access to a database, a file or another process belongs here; the domain and `api` have none.
"""
