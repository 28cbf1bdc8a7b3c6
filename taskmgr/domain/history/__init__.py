"""The log of changes: its entries, the difference between two states, and the replay of a state.

A new field of an entity is logged without any change here; a new kind of entry is added in `changes.py`.
"""
