"""Which addresses are the provider's, and which are this machine's."""

import re
from urllib.parse import urlsplit

TWILIO_API_URL = "https://api.twilio.com"
CONTENT_HOST = "https://content.twilio.com"
# Twilio's other addresses, which a provider on this machine answers at its one address.
OTHER_URLS = (CONTENT_HOST, "https://messaging.twilio.com")
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
_TWILIO_API_HOST = re.compile(r"api(\.[a-z0-9-]+)*\.twilio\.com")


def is_providers_own(source: str, api_url: str) -> bool:
    """Whether our credentials may be shown to this address: only where the API itself is."""
    try:
        asked, api = urlsplit(source), urlsplit(api_url)
        port = asked.port
        is_same = (asked.scheme, asked.hostname, port) == (api.scheme, api.hostname, api.port)
    except ValueError:
        return False
    if asked.username is not None or asked.password is not None:
        return False
    if is_same:
        return asked.scheme == "https" or asked.hostname in LOOPBACK_HOSTS
    # The regions of the API are other hosts of the same provider, such as api.dublin.ie1.twilio.com.
    are_twilios = all(_TWILIO_API_HOST.fullmatch(each.hostname or "") for each in (asked, api))
    return asked.scheme == "https" and are_twilios and port in (None, 443)
