"""The first operator of an installation: one link, an account, a workspace and its first tenant."""
