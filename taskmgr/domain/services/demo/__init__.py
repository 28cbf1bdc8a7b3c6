"""The demo: two months of work of a small team, for a database without tasks."""
