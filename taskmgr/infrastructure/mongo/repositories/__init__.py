"""Implements the repositories of `domain/ports`, one port in each module.

Rows are read raw and become entities in `mappers`; every write goes through `writing` or calls
`count_write`. A new repository is added to `store.py`, and decorated with `raises_domain_errors`.
"""
