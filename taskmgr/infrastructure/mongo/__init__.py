"""Stores the data in MongoDB: client, transactions, documents, mappers and migrations.

The classes that implement a port on a collection are in `repositories`; what reads lists is in `reads`,
and `taskmgr doctor`'s checks of the data are in `inspection`. A new field of an entity needs a line in
`documents` and one each way in `mappers`.
"""
