"""Formats of files that people write or keep, such as the policy."""
