"""How people say and write a day, a month and a year: spelt in full, cut short, with a slip, or as it is spoken."""

import re

MONTH = (
    r"(?:jan(?:uary)?|feb(?:uary|ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-z])"
)
# The same as fingers slip, and as it is said in Scots. Some are names too: only beside an old year.
ANY_MONTH = (
    rf"(?:{MONTH}|(?:jan(?:ur?a?r?y|uray|aury|aurary|uar)|feb(?:ur?ar?y|uray|r[au]ary|ruar|rury|ury)|fe[rb]uary"
    r"|m(?:arc|rach|arhc|airch|ach|ar)|a(?:prl|rpil|prill|prile|pirl|ppril|ril)|mey|juin|juny|jully|julie|juley"
    r"|a(?:gust|ugst|ugest|ugut|gost)|ogust|sep(?:t?em?ber|tmber|tembr|etember|tebmer|tempber)|set(?:te)?mber|setember"
    r"|o(?:ct?o?be?r|ctobr|cotber|ctomber)|nov(?:em?ber|mber|embr|emeber|erber|ember)|dec(?:em?ber|mber|embr"
    r"|emeber|ember)"
    r"|desember|dicember)(?![a-z]))"
)
DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
YEAR = r"(?:19|20)[0-9]{2}"
ANY_YEAR = rf"(?:{YEAR}|'?[0-9]{{2}})"
NO_DIGIT_BEFORE = r"(?<![0-9])(?<![0-9][./\\:-])"
NO_DIGIT_AFTER = r"(?![0-9])(?![./\\-][0-9])"
_ORDINAL = (
    r"(?:first|furst|frist|saicond|second|secont|secund|third|thurd|therd|fou?rth|fowerth|fourt|fifth|fith|fift"
    r"|sixth|sixt|saxt|saxth"
    r"|sev[ei]?nth|see?v[ei]nth|eighth|eigth|eigthth|aichth|aicht|nine?th|nint)"
)
SPOKEN_DAY = (
    rf"(?:(?:tw[ei]n(?:ty|tie|ny)|th[ieu]r(?:ty|tie|dy))[\s-]{{0,2}}(?:{_ORDINAL}|[1-9](?:st|nd|rd|th))|{_ORDINAL}"
    r"|tenth|elev[ei]?nth|eleev[ei]nth|elevent|twel[fv]?th|twalth?|thirteenth|(?:four|for|fower|fif|six|sax"
    r"|seven|seeven|eigh"
    r"|aich|nine?)teenth|tw[ei]nt[iy]e?th|thirt[iy]e?th)"
)
UNITS = r"(?:one|two|three|four|five|six|seven|eight|nine|wan|yin|twa|twae|fower|sax|seeven|seevin|aicht|ane)"
_TENS = (
    r"(?:twenty|twinty|thirty|therty|fort?y|fourty|fifty|fufty|sixty|saxty|seventy|seeventy|eighty|aichty"
    r"|ninety|ninty)"
)
_TEENS = r"(?:ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen)"
NINETEEN = r"(?:nineteen|ninteen|nineten|nineteein)"
SPOKEN_YEAR = (
    rf"(?:{NINETEEN}|twenty|two thousand)"
    rf"(?:[\s-]{{1,2}}(?:hun(?:dred|ner) an'?d?|hun(?:dred|ner)|and|oh|o|{UNITS}|{_TEENS}|{_TENS}"
    rf"|[0-9]{{2}})(?![a-z])){{1,3}}"
)
SPOKEN_TENS = rf"'?{_TENS}(?:[\s-]{UNITS})?(?![a-z])"
OLD_TENS = (
    r"'?(?:thirty|therty|fort?y|fourty|fifty|fufty|sixty|saxty|seventy|seeventy|eighty|aichty|ninety|ninty)"
    rf"(?:[\s-]{UNITS})?(?![a-z])"
)
# What is said for one to thirty-one.
CARDINAL = (
    rf"(?:(?:twenty|thirty)(?:[\s-]{UNITS})?|{_TEENS}|(?:oh\s)?{UNITS}|0?[1-9]|[12][0-9]|3[01])(?![a-z0-9])"
)
OF = r"(?:(?:of|o'?|ov|uv|de|di)\s{1,2})?(?:the\s)?"
_SEP = r"\s{0,2}[./\\-]\s{0,2}"
_ROMAN = r"(?:x|i?x|vi{0,3}|i{1,3}|iv|xi{0,2})"
DATES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{NO_DIGIT_BEFORE}{DAY}{_SEP}(?:0?[1-9]|1[0-2]){_SEP}{ANY_YEAR}{NO_DIGIT_AFTER}",
        rf"{NO_DIGIT_BEFORE}{DAY} (?:0?[1-9]|1[0-2]) {YEAR}(?![0-9])(?![ ./-][0-9])",
        rf"{NO_DIGIT_BEFORE}{YEAR}[./-](?:0?[1-9]|1[0-2])[./-]{DAY}(?![0-9])(?![./-][0-9])",
        rf"{NO_DIGIT_BEFORE}{DAY}\s?(?:st|nd|rd|th)?\s{{0,2}}(?:o[f']?\s{{1,2}})?[-/., ]{{0,2}}{MONTH}"
        rf"(?:[-/., ]{{1,3}}{ANY_YEAR}(?![0-9]))?",
        rf"(?<![a-z]){MONTH}[-/., ]{{0,2}}(?:the\s)?{DAY}(?![0-9])(?:st|nd|rd|th)?"
        rf"(?:[-/., ]{{1,3}}{YEAR}(?![0-9]))?",
        rf"(?<![a-z]){MONTH}[-/., ]{{1,2}}{YEAR}(?![0-9])",
        rf"{NO_DIGIT_BEFORE}{DAY}[ ./-]{{1,2}}{_ROMAN}[ ./-]{{1,2}}{ANY_YEAR}{NO_DIGIT_AFTER}",
    )
)
SPOKEN_DATE = re.compile(
    rf"(?<![a-z])(?:the\s)?(?:{SPOKEN_DAY}|{DAY}\s?(?:st|nd|rd|th)?)\s{{1,2}}{OF}"
    rf"(?:{MONTH}|{SPOKEN_DAY})(?:[\s,-]{{1,3}}(?:{SPOKEN_YEAR}|{ANY_YEAR}))?(?![a-z0-9])"
    rf"|(?<![a-z]){MONTH}[\s,]{{1,3}}(?:the\s)?{SPOKEN_DAY}(?:[\s,-]{{1,3}}(?:{SPOKEN_YEAR}|{ANY_YEAR}))?"
)
