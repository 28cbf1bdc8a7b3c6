"""The log of changes: what an entry holds, and how two states differ."""
