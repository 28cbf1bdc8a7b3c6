"""The OpenAPI document: what flask-smorest reads from the views, completed by what it cannot know."""

from taskmgr.api.openapi.document import CONFIG, document, naming

__all__ = ["CONFIG", "document", "naming"]
