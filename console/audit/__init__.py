"""Who looked at what: recorded as it is shown, searched, and looked at where it is unusual."""
