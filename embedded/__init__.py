"""Bundled PostgreSQL and Valkey for development and tests, and the supervisor behind `bin/dev`.

Nothing here is imported by the product. The servers listen on Unix sockets in a directory that only
their owner can enter; their binaries come from Python packages in the lock, so that a clone needs
nothing but Python.
"""
