"""The words of numbers, days and months, in English and German."""

from typing import Final

ONES: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ORDINALS: Final = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
]
GERMAN_ONES: Final = [
    "null",
    "eins",
    "zwei",
    "drei",
    "vier",
    "fünf",
    "sechs",
    "sieben",
    "acht",
    "neun",
    "zehn",
    "elf",
    "zwölf",
    "dreizehn",
    "vierzehn",
    "fünfzehn",
    "sechzehn",
    "siebzehn",
    "achtzehn",
    "neunzehn",
]
GERMAN_TENS: Final = ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]
LARGE: Final = {"hundred": 100, "thousand": 1_000}

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
GERMAN_DAYS: Final = ["montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag"]
GERMAN_MONTHS: Final = [
    "januar",
    "februar",
    "märz",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "dezember",
]


def _german() -> dict[str, int]:
    numbers = {word: number for number, word in enumerate(GERMAN_ONES)}
    for place, ten in enumerate(GERMAN_TENS):
        value = 20 + 10 * place
        numbers[ten] = value
        numbers |= {f"{'ein' if one == 1 else GERMAN_ONES[one]}und{ten}": value + one for one in range(1, 10)}
    return numbers


CARDINALS: Final[dict[str, int]] = (
    {word: number for number, word in enumerate(ONES)} | {word: 20 + 10 * place for place, word in enumerate(TENS)} | LARGE
)
NUMBERS: Final[dict[str, int]] = CARDINALS | _german()
RANKS: Final[dict[str, int]] = {word: number for number, word in enumerate(ORDINALS, start=1)} | {"thirtieth": 30}

WEEKDAYS: Final[dict[str, int]] = (
    {name.lower(): number for number, name in enumerate(DAYS)}
    | {name: number for number, name in enumerate(GERMAN_DAYS)}
    | {"sonnabend": 5}
)
SHORT_WEEKDAYS: Final[dict[str, int]] = {
    "mon": 0,
    "tue": 1,
    "tues": 1,
    "wed": 2,
    "thu": 3,
    "thur": 3,
    "thurs": 3,
    "fri": 4,
    "sat": 5,
    "sun": 6,
}
"""English ones only: the German ones are words of their own, such as `do` and `so`."""
MONTH_NUMBERS: Final[dict[str, int]] = (
    {name.lower(): number for number, name in enumerate(MONTHS, start=1)}
    | {name: number for number, name in enumerate(GERMAN_MONTHS, start=1)}
    | {name.lower()[:3]: number for number, name in enumerate(MONTHS, start=1)}
    | {"sept": 9, "okt": 10, "dez": 12, "maerz": 3}
)


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, …"""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def either(words: "dict[str, int] | tuple[str, ...] | list[str]") -> str:
    """One of these words, as a regular expression; longer ones first."""
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))
