"""A task-management service for internal teams."""

__version__ = "0.1.0"
