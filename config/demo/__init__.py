"""The demo: two tenants with people, customers, applications, keys, a webhook and months of history.

Everything is made through the services that pages and API use. Running it again changes nothing; what
the record in `var/demo.json` has lost (a secret shown once) is made anew.
"""
