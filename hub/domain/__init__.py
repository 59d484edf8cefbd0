"""The rules: plain functions that take a session, the actor and the time. They never commit."""
