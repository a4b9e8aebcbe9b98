"""`./waymark doctor`: what is missing or wrong on this machine, and what to do about it.

Every check stands alone: it looks, says what it found with the remedy, and changes nothing. docs/doctor.md lists them.
"""
