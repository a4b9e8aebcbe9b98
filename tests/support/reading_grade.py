"""How hard a text is to read: the service's own measure, which the tests use too."""

from casework.model.reading_grade import count_syllables, grade, split_sentences

__all__ = ["count_syllables", "grade", "split_sentences"]
