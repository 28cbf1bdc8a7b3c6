"""Clients that are generated from the OpenAPI document, and what judges the document."""
