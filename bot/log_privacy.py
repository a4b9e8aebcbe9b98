"""Nothing a person wrote may reach a log."""

import logging

import structlog

WORDY = ("rasa", "sanic.access")


def keep_words_out_of_logs() -> None:
    """Rasa's debug and info lines hold messages, slots and trackers: below WARNING nothing is written.

    structlog needs telling apart: it prints debug lines whatever the loggers' levels are.
    """
    for name in WORDY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
