"""Everything a request passes before a view sees it: the JSON gate, bodies, queries, limits."""
