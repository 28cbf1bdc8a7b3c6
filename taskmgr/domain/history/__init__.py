"""The log of changes: its entries, and the difference between two states.

A new field of an entity is logged without any change here; a new kind of entry is added in `changes.py`.
"""
