"""Turns every failure into `application/problem+json` (RFC 9457).

A new error code is a row in `codes.py` and its fix in `reference_page.py`; an error with data of its
own adds them in `domain_errors.py`.
"""
