"""The shapes that go over the wire, in and out: what OpenAPI shows and what is read and written."""
