"""Kills processes under load and counts what was lost: `./bin/torture --rounds 20`."""
