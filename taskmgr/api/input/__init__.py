"""Reads and checks a request before its view is called: JSON, bodies, queries and limits."""
