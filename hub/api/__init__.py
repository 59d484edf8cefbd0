"""The public face for programs: searches as feeds, calendars, tables and JSON."""
