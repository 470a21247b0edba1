"""A sample relying party: a small web application on authlib's OpenID Connect client.

`python -m examples.webapp` serves one for each demo tenant. Nothing in it knows Claviger but the issuer.
"""
