"""What turns direction ends with the text that turned it. Red when: `close_marks` gives the text as it stands."""

import pytest
from markupsafe import Markup

from console.text_direction import close_marks

RLO, LRE, PDF, RLI, FSI, PDI = "\u202e", "\u202a", "\u202c", "\u2067", "\u2068", "\u2069"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Sam Price", "Sam Price"),
        (f"{RLO}evil", f"{RLO}evil{PDF}"),
        (f"{RLO}evil{PDF}", f"{RLO}evil{PDF}"),
        (f"{RLI}a{LRE}b", f"{RLI}a{LRE}b{PDF}{PDI}"),
        (f"{FSI}{FSI}", f"{FSI}{FSI}{PDI}{PDI}"),
        (f"a{PDI}{PDF}b", "ab"),
        (f"{RLI}{RLO}a{PDI}b", f"{RLI}{RLO}a{PDI}b"),
        (f"{RLI}a{PDF}b", f"{RLI}ab{PDI}"),
        ("\u0645\u0631\u062d\u0628\u0627", "\u0645\u0631\u062d\u0628\u0627"),
    ],
    ids=ascii,
)
def test_each_mark_is_closed_within_the_text(written: str, shown: str) -> None:
    assert close_marks(written) == shown
    assert close_marks(shown) == shown


def test_what_is_no_text_and_what_is_a_page_already_stays() -> None:
    page = Markup(f"<b>{RLO}</b>")
    assert close_marks(7) == 7
    assert close_marks(None) is None
    assert close_marks(page) is page
