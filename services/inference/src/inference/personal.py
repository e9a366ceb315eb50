"""Finds what tells who somebody is or opens a door: addresses, numbers, keys. Pure, and in time that grows with the text alone.

A pattern begins only where a word begins and every repetition in it has an end, so nothing is read again and again.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

Kind = Literal["KEY", "IBAN", "CARD", "EMAIL", "PHONE"]


class Found(NamedTuple):
    """Where it is."""

    start: int
    end: int
    kind: Kind


_TOKENS: Final = re.compile(
    r"(?<![\w-])(?:"
    r"(?:sk|rk|pk)[-_](?=[A-Za-z_-]{0,200}\d)[A-Za-z0-9_-]{20,250}"
    r"|gh[pousr]_[A-Za-z0-9]{30,250}|github_pat_\w{22,250}|glpat-[\w-]{20,100}|hf_[A-Za-z0-9]{30,100}|npm_[A-Za-z0-9]{30,100}"
    r"|xox[abeoprs]-[\w-]{10,250}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{35}|ya29\.[\w-]{20,500}"
    r"|SG\.[\w-]{16,64}\.[\w-]{16,128}|whsec_\w{20,100}|dop_v1_[0-9a-f]{64}|pypi-[\w-]{40,300}"
    r"|eyJ[\w-]{8,2000}\.eyJ[\w-]{8,4000}\.[\w-]{8,1000}"
    r")(?![\w-])"
)
_NAMED_SECRET: Final = re.compile(
    r"(?<![A-Za-z])(?:pass(?:word|wd|phrase)?|pwd|secret|(?:access[_ -]?|auth[_ -]?|api[_ -]?)?(?:token|key)|passwort|kennwort)"
    r"[\"']?[ \t]{0,4}(?:[:=]|(?:is|ist|lautet)\b)[ \t]{0,4}[\"']?(?=\S{0,200}[0-9#$%&*+@^])"
    r"(\S{6,200}?)(?=[\"',;.)!?]{0,4}(?:\s|\Z))",
    re.IGNORECASE,
)
_BEARER: Final = re.compile(r"(?<!\w)(?:Bearer|Basic)[ ]([A-Za-z0-9._~+/=-]{16,4000})", re.IGNORECASE)
_URL_PASSWORD: Final = re.compile(r"(?<=://)[^\s:@/]{0,64}:([^\s@/]{1,128})@")
_PEM_BEGIN: Final = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----")
_PEM_END: Final = "-----END"
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_CARD: Final = re.compile(r"(?<![\w.,+-])\d(?:[ -]?\d){12,18}(?![\w-]|[.,]\d)")
_EMAIL: Final = re.compile(r"(?<![\w.+%'-])[\w](?:[\w.+%'-]{0,63})@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w@]|-\w)")
_NUMBER: Final = re.compile(r"(?<![\w.,:@/#$€£+-])(?:\+|\(\+?)?\d(?:[ ./()\u00a0\u2011-]{0,3}\d){5,16}(?![\w@%]|[.,:/]\d|-\w)")
_CUE: Final = re.compile(
    r"(?:\b(?:tel|telefon|phone|telephone|call|called|fax|cell|mobile?|handy|mobil|whatsapp|sms|dial|ruf|rufe|anrufen|erreichbar"
    r"|reach (?:me|us|him|her|them)|text (?:me|us|him|her|them))\b"
    r"|\b(?:my|our|your|his|her|their|meine|unsere|deine|ihre|seine)\b \w{0,12} ?(?:number|nummer)\b)[^\d\n]{0,24}\Z",
    re.IGNORECASE,
)
_NOT_A_PHONE: Final = re.compile(
    r"\(?\d{4}[-./]\d{1,2}[-./]\d{1,2}\D*|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{2,4}(?:[ ]\d{1,2})?|\d{1,3}(?:\.\d{1,3}){3}"
    r"|\d{1,3}(?:[ .]\d{3}){1,5}|\d{4}[ ]?-[ ]?\d{4}|\d{4}-\d{2}-\d{2}[ ]\d{1,2}"
)
_NORTH_AMERICAN: Final = re.compile(r"(?:1[ .-])?\(?[2-9]\d{2}\)?[ .\u2011-]{0,2}\d{3}[ .\u2011-]\d{4}")

_IBAN_LENGTHS: Final = {
    country: int(length)
    for length, countries in {
        "15": "NO", "16": "BE", "18": "DK FO FI GL NL", "19": "MK SI", "20": "AT BA EE KZ LT LU XK", "21": "CH HR LI LV",
        "22": "BG BH DE GB GE IE ME RS VA", "23": "AE GI IL IQ TL", "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST",
        "26": "IS TR", "27": "FR GR IT MC MR SM", "28": "AL AZ BY CY DO GT HU LB NI PL SV", "29": "BR EG PS QA UA",
        "30": "JO KW MU", "31": "MT SC", "32": "LC",
    }.items()
    for country in countries.split()
}  # fmt: skip


def found_in(text: str) -> list[Found]:
    """All of it, in order and without overlaps; what is surer takes precedence."""
    found: list[Found] = []
    taken = bytearray(len(text))
    for search in (_keys, _ibans, _cards, _emails, _phones):
        for each in search(text):
            if taken.find(1, each.start, each.end) < 0:
                taken[each.start : each.end] = bytes([1]) * (each.end - each.start)
                found.append(each)
    return sorted(found)


def _keys(text: str) -> Iterator[Found]:
    if "PRIVATE KEY-----" in text:
        for begin in _PEM_BEGIN.finditer(text):
            end = text.find(_PEM_END, begin.end())
            line = text.find("\n", end) if end >= 0 else -1
            yield Found(begin.start(), line if line >= 0 else len(text), "KEY")
    for match in _TOKENS.finditer(text):
        yield Found(match.start(), match.end(), "KEY")
    for pattern in (_BEARER, _URL_PASSWORD, _NAMED_SECRET):
        for match in pattern.finditer(text):
            yield Found(match.start(1), match.end(1), "KEY")


def _ibans(text: str) -> Iterator[Found]:
    for match in _IBAN.finditer(text):
        length = _IBAN_LENGTHS.get(match[0][:2].upper())
        end = _place_of(match[0], length) if length else None
        if end and is_iban(match[0][:end]) and not text[match.start() + end : match.start() + end + 1].isalnum():
            yield Found(match.start(), match.start() + end, "IBAN")


def _place_of(text: str, count: int) -> int | None:
    """The end of the first `count` letters and digits."""
    for place, character in enumerate(text, 1):
        count -= character.isalnum()
        if count == 0:
            return place
    return None


def _cards(text: str) -> Iterator[Found]:
    for match in _CARD.finditer(text):
        if is_card(match[0]):
            yield Found(match.start(), match.end(), "CARD")


def _emails(text: str) -> Iterator[Found]:
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield Found(match.start(), match.end(), "EMAIL")


def _phones(text: str) -> Iterator[Found]:
    for match in _NUMBER.finditer(text):
        written = match[0]
        cue = _CUE.search(text[max(0, match.start() - 40) : match.start()]) is not None
        if is_phone(written, cue=cue):
            yield Found(match.start(), match.end(), "PHONE")


def is_iban(written: str) -> bool:
    """Its check digits are right: ISO 13616, modulo 97."""
    characters = "".join(filter(str.isalnum, written)).upper()
    if not 15 <= len(characters) <= 34 or not characters.isascii():
        return False
    return int("".join(str(int(character, 36)) for character in characters[4:] + characters[:4])) % 97 == 1


def is_card(written: str) -> bool:
    """A number that a card may have: its issuer, its length, and Luhn's sum."""
    digits = "".join(filter(str.isdigit, written))
    two, four = int(digits[:2]), int(digits[:4])
    lengths: dict[Callable[[], bool], tuple[int, ...]] = {
        lambda: digits[0] == "4": (13, 16, 19),
        lambda: 51 <= two <= 55 or 2221 <= four <= 2720: (16,),
        lambda: two in (34, 37): (15,),
        lambda: two in (30, 36, 38, 39): (14, 16),
        lambda: two in (60, 62, 64, 65): (16, 17, 18, 19),
        lambda: two == 35: (16,),
        lambda: two in (50, 56, 57, 58, 63, 67): (13, 15, 16, 19),
    }
    if not any(issued() and len(digits) in sizes for issued, sizes in lengths.items()):
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return len(set(digits)) > 1 and sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def is_phone(written: str, *, cue: bool) -> bool:
    """Written as a number that is called; `cue`: a word before it says so, then less is asked of it."""
    digits = "".join(filter(str.isdigit, written))
    separated = not written.lstrip("(+").isdigit()
    if written.startswith(("+", "(+")):
        return 8 <= len(digits) <= 15
    if _NOT_A_PHONE.fullmatch(written):
        return False
    if cue:
        return 6 <= len(digits) <= 15
    if re.match(r"\(?0(?:[1-9]|0[1-9][ \d])", written):
        return 9 <= len(digits) <= 15 and (separated or 10 <= len(digits) <= 12)
    return separated and _NORTH_AMERICAN.fullmatch(written) is not None
