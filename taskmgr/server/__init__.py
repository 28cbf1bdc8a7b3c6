"""The running service: its listener, its master process and its workers."""
