"""How hard a text is to read: the Flesch-Kincaid grade. Grade 4 is read at age 9, grade 6 at age 11."""

import re

# An e that is not spoken, unless the ending that has it is.
_SILENT_E = re.compile(r"(?<=[^aeiouy])(?:e(?=(?:ment|ful|less|ly|ty)$)|(?:es|ed|e)$)")
_SPOKEN_ENDING = re.compile(r"(?:[^aeiouy]le|[td]ed|(?:[cgsxz]|[cs]h)es)$")
# Vowels side by side that are two syllables.
_TWO_VOWELS = re.compile(
    r"ia(?!l|ge)|(?<=tr)ia(?=l)|(?<![cgst])io|iu|(?<!g)ua(?!r)|eo(?!p)|(?<!q)ue(?=[nt])|uin$"
    r"|[aeouy](?=ing)|ea$|iet|(?<=[cd])ien(?=c)"
)


def split_sentences(text: str) -> list[list[str]]:
    """The words of each sentence. A line ends one too."""
    sentences = re.split(r"[.?!](?:\s|$)|\n", text)
    words = [re.findall(r"[A-Za-z0-9][\w'’&.-]*", sentence) for sentence in sentences]
    return [sentence for sentence in words if sentence]


def count_syllables(word: str) -> int:
    """Spoken syllables, by rule; a number counts as one."""
    plain = re.sub(r"[^a-z]", "", word.lower().removesuffix("'s"))
    if not plain:
        return 1
    spoken = plain if _SPOKEN_ENDING.search(plain) else _SILENT_E.sub("", plain)
    return max(1, len(re.findall(r"[aeiouy]+", spoken)) + len(_TWO_VOWELS.findall(spoken)))


def grade(text: str) -> float:
    """The Flesch-Kincaid grade of a text of at least one word."""
    sentences = split_sentences(text)
    words = [word for sentence in sentences for word in sentence]
    syllables = sum(map(count_syllables, words))
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59
