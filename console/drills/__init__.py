"""Rehearsals: starting one, ending it, and what it showed."""
