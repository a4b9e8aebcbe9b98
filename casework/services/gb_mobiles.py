"""Whether a number is a mobile of Great Britain or Northern Ireland: nobody else's phone is sent a one-time code."""

import re

import phonenumbers

# Kept for drama, so they are nobody's and no library calls them valid: ofcom.org.uk, numbers for drama use.
_ISLANDS = ("JE", "GG", "IM")
_DRAMA = re.compile(r"\+447700900[0-9]{3}")


def is_gb_mobile(number: str) -> bool:
    """For E.164. Jersey, Guernsey and Man share +44 and are dear to text; 070 is anyone's and dearer: False."""
    if _DRAMA.fullmatch(number):
        return True
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return False
    if any(phonenumbers.is_valid_number_for_region(parsed, island) for island in _ISLANDS):
        return False
    is_mobile = phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE
    return is_mobile and phonenumbers.region_code_for_number(parsed) == "GB"
