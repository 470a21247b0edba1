"""A stock django-oauth-toolkit project: its own models and views, nothing of Claviger."""
