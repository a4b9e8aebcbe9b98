"""Signs that only look different, in the form a text message has: one curly quote makes a text twice as dear.

Which signs are replaced follows Twilio's list for Smart Encoding, but for letters: a name keeps every letter it has
(ŵ, ç, ʼ), and is counted as what it is.
"""

import unicodedata

from casework.model.sms_segments import count_segments

_PLAIN_OF = {
    "'": "\u2018\u2019\u201a\u201b\u2032\u2035\u00b4\u0060",
    '"': "\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2022\u2023\u2043\u25aa\u25cf\u25e6\u00b7\u2219",
    "...": "\u2026",
    " ": "\t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "\n": "\u2028\u2029\u0085",
    # Nothing to see: soft hyphen, spaces of no width, byte order mark. Joiners stay, they change what is read.
    "": "\u00ad\u200b\u2060\ufeff",
}
_PLAIN = str.maketrans({sign: plain for plain, signs in _PLAIN_OF.items() for sign in signs})


def normalise_for_sms(text: str) -> str:
    """The text as it leaves by SMS, whoever wrote it: composed letters (NFC), and plain quotes, dashes and spaces.

    Letters, marks and digits are never exchanged for others. Twice is the same as once.
    """
    composed = unicodedata.normalize("NFC", text)
    # Again: a letter and its accent may have had a sign of no width between them.
    return unicodedata.normalize("NFC", composed.replace("\r\n", "\n").translate(_PLAIN))


def count_texts(text: str) -> int:
    """As how many text messages `text` leaves."""
    return count_segments(normalise_for_sms(text))
