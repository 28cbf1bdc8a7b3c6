"""Webhooks: the commands on them, and what is sent to them.

`commands` manages webhooks, `deliveries` follows the feed for them, `messages` makes what is sent, and
`payload` its body.
"""
