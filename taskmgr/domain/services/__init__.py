"""The use cases: everything that can be asked of the system, with the same rules for every caller."""
