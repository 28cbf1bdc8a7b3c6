"""Identifies callers, checks the scopes of their tokens, and limits how often they may call."""
