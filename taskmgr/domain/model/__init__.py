"""The entities and values of the domain, the workflow, the policy, and all errors.

A field of an entity gets its limits and parser in `values.py`, and is added to the entity's table of parsers.
"""
