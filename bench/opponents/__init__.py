"""Other servers under the same meter: oidc-provider from npm, and a stock django-oauth-toolkit project.

Test-only: they are installed on demand into `.test/`, and nothing of the product knows them.
"""
