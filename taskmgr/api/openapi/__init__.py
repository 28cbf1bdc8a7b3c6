"""Builds the OpenAPI document: what flask-smorest reads from the views, and what it cannot know.

A new enumeration gets its name in `schemas.py`, a new body its example in `examples.py`, and a new response
its example in `example_answers.py`.
"""

from taskmgr.api.openapi.document import CONFIG, document, naming

__all__ = ["CONFIG", "document", "naming"]
