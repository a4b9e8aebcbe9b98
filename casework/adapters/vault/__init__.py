"""Keys and what is sealed with them: no database, no settings. Where a sealed field is stored: storage/sealed.py."""
