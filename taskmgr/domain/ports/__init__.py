"""What the domain needs from a store and from the machine, as protocols without an implementation.

Every docstring is a contract: `tests/integration/test_repositories.py` holds the implementations to it. A new
port, or a new method of one, belongs here:

- `commands`: what a command needs: its transaction, its locks, and the entities that it reads and writes;
- `reads`: what lists and statistics read, outside any command;
- `inbox`: what users are told, what they watch, and which news they want;
- `idempotency`: the stored responses of repeated requests;
- `identity`: tokens and the secrets that they are recognised by;
- `store`: all ports of one store together, and its health.

Every method may raise `Unavailable` if the store does not answer within the deadline. Ids are texts of 24
lower-case hexadecimal digits.
"""
