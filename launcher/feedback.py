"""`./waymark feedback`: what people thought of how they were treated, in counts that point at nobody."""

from casework.adapters.storage.database import Database
from casework.services.feedback import ANSWERS, QUESTIONS, Counted, count_answers

QUESTION_WORDS = {
    "kept_informed": "Kept informed",
    "ease_of_contact": "Ease of contact",
    "actions_taken": "What was done",
    "treatment": "How treated",
    "whole_experience": "All of it",
}
ANSWER_WORDS = {5: "very sat.", 4: "sat.", 3: "neither", 2: "dissat.", 1: "very dissat."}
FEW = "few"


def show_feedback(database: Database) -> int:
    counts, offered = database.read_now(lambda tx: (count_answers(tx), tx.feedback.count_offered()))
    print("\n".join(describe(counts, offered)))
    return 0


def describe(counts: dict[str, Counted], offered: int) -> list[str]:
    """One line a question; numbers of fewer than five people are "few"."""
    heads = ["answered", *(ANSWER_WORDS[each] for each in ANSWERS)]
    lines = [f"{'':17}" + "".join(f"{head:>14}" for head in heads)]
    for name in QUESTIONS:
        counted = counts[name]
        numbers = [counted.answered, *(counted.per_answer[each] for each in ANSWERS)]
        shown = (FEW if number is None else str(number) for number in numbers)
        lines.append(f"{QUESTION_WORDS[name]:17}" + "".join(f"{each:>14}" for each in shown))
    return [*lines, f"Offered {offered} times. Nobody whose case is flagged or who told of danger is asked."]
