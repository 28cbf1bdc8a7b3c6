"""Calls other machines. No other package does, except for the database's driver.

`client.py` sends the requests, `urls.py` decides which URLs are acceptable, `addresses.py` which addresses
are, and `resolver.py` finds the addresses of a host. `smtp.py` sends mails to the operator's mail server,
and `openid.py` signs people in at the operator's identity provider.
"""
