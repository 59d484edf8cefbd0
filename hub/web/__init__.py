"""Pages: a view loads and authorises, parses a form, calls one rule, commits, renders."""
