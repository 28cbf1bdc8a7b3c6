"""Reads lists: filters and orders, pages after a position, snapshots, and cached task records.

Caches and raw commands stay only if docs/decisions/0009 or 0011 shows what they save of a request.
"""
