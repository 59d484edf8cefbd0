"""The marketplace: models, rules, permissions, pages and commands."""
