"""Who calls, what their token permits, and how often they may call."""
