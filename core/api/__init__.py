"""The JSON API's kernel: see endpoint.py for how an address is declared."""
