"""Machinery that reads pages quickly: filters, cursors' positions, snapshots, cached task records."""
