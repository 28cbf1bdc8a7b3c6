"""Decides what may be done and how urgent it is, as pure functions; nothing here reads a store."""
