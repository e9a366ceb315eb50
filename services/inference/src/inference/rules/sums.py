"""Arithmetic and units: exact where numbers are, said where they are not."""

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Final

from inference.rules.heard import Heard, Rule, rule

DIGITS: Final = 28
MOST: Final = 120
"""Characters of a sum."""

LARGEST_POWER: Final = 200
_CONTEXT = Context(
    prec=DIGITS, rounding=ROUND_HALF_EVEN, traps=[DivisionByZero, InvalidOperation, Overflow], Emax=999, Emin=-999
)
_SPOKEN: Final = (
    (r"\bplus\b|\band\b|\bund\b", "+"),
    (r"\bminus\b|\bless\b|−|–", "-"),
    (r"\btimes\b|\bmultiplied by\b|\bmal\b|×|·|\bx\b", "*"),
    (r"\bdivided by\b|\bover\b|\bgeteilt durch\b|÷|:", "/"),
    (r"\bto the power of\b|\*\*", "^"),
    (r"\bsquared\b", "^2"),
    (r"\bcubed\b", "^3"),
    (r"\bpercent of\b|% of\b|\bprozent von\b", "/100*"),
    (r"\bpercent\b|%|\bprozent\b", "/100"),
)
_TOKEN = re.compile(r"\s*(?:(\d+(?:[.,]\d+)*)|([-+*/^()]))")


class _NoSum(Exception):
    pass


def _calculate(heard: Heard) -> str | None:
    said = heard.words().text.strip(" =?")
    sum_ = said
    for words, sign in _SPOKEN:
        sum_ = re.sub(words, sign, sum_)
    if len(sum_) > MOST or not re.search(r"\d", sum_) or not re.search(r"[-+*/^]", sum_):
        return None
    try:
        value = _Sum(sum_).value()
    except _NoSum:
        return None
    except DivisionByZero:
        return "Nothing can be divided by zero."
    except (InvalidOperation, Overflow):
        return "That is no number that I can write down."
    return f"{said} = **{shown(value)}**"


def shown(value: Decimal) -> str:
    """Without zeros at its end, in groups of three, in at most twelve significant digits after the point."""
    rounded = (
        value.quantize(Decimal(1), context=_CONTEXT) if value == value.to_integral_value() and abs(value) < 10**DIGITS else None
    )
    if rounded is not None:
        return f"{rounded:,}"
    text = f"{Context(prec=12).plus(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class _Sum:
    """A sum, read from left to right with the usual ranks."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    def value(self) -> Decimal:
        """Raises _NoSum, and what decimal raises."""
        value = self._addition(0)
        if self._at != len(self._tokens):
            raise _NoSum
        return value

    def _take(self, *signs: str) -> str | None:
        if self._at < len(self._tokens) and self._tokens[self._at] in signs:
            self._at += 1
            return self._tokens[self._at - 1]
        return None

    def _addition(self, depth: int) -> Decimal:
        value = self._product(depth)
        while sign := self._take("+", "-"):
            other = self._product(depth)
            value = _CONTEXT.add(value, other) if sign == "+" else _CONTEXT.subtract(value, other)
        return value

    def _product(self, depth: int) -> Decimal:
        value = self._power(depth)
        while sign := self._take("*", "/"):
            other = self._power(depth)
            value = _CONTEXT.multiply(value, other) if sign == "*" else _CONTEXT.divide(value, other)
        return value

    def _power(self, depth: int) -> Decimal:
        if self._take("-"):
            return -self._power(depth)
        base = self._atom(depth)
        if not self._take("^"):
            return base
        exponent = self._power(depth)
        if abs(exponent) > LARGEST_POWER:
            raise Overflow
        return _CONTEXT.power(base, exponent)

    def _atom(self, depth: int) -> Decimal:
        if self._take("("):
            if depth > 20:
                raise _NoSum
            value = self._addition(depth + 1)
            if not self._take(")"):
                raise _NoSum
            return value
        if self._at >= len(self._tokens) or not self._tokens[self._at][0].isdigit():
            raise _NoSum
        self._at += 1
        return _number(self._tokens[self._at - 1])


def _tokens(text: str) -> Iterator[str]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _NoSum
        yield match[1] or match[2]
        at = match.end()


def _number(text: str) -> Decimal:
    """`1,000` is a thousand, `1,5` is one and a half."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text):
        text = text.replace(",", "")
    text = text.replace(",", ".")
    if text.count(".") > 1:
        raise _NoSum
    return Decimal(text)


_LENGTHS: Final = {
    **dict.fromkeys(("mm", "millimetre", "millimeter"), "0.001"),
    **dict.fromkeys(("cm", "centimetre", "centimeter"), "0.01"),
    **dict.fromkeys(("m", "metre", "meter"), "1"),
    **dict.fromkeys(("km", "kilometre", "kilometer"), "1000"),
    **dict.fromkeys(("in", "inch", "inche"), "0.0254"),
    **dict.fromkeys(("ft", "foot", "feet"), "0.3048"),
    **dict.fromkeys(("yd", "yard"), "0.9144"),
    **dict.fromkeys(("mi", "mile"), "1609.344"),
}
_WEIGHTS: Final = {
    **dict.fromkeys(("mg", "milligram"), "0.001"),
    **dict.fromkeys(("g", "gram"), "1"),
    **dict.fromkeys(("kg", "kilo", "kilogram"), "1000"),
    **dict.fromkeys(("oz", "ounce"), "28.349523125"),
    **dict.fromkeys(("lb", "pound"), "453.59237"),
}
_VOLUMES: Final = {
    **dict.fromkeys(("ml", "millilitre", "milliliter"), "0.001"),
    **dict.fromkeys(("l", "litre", "liter"), "1"),
    "cup": "0.2365882365",
    "pint": "0.473176473",
    "gallon": "3.785411784",
    "tablespoon": "0.01478676478125",
}
_TIMES: Final = {
    **dict.fromkeys(("second", "sec"), "1"),
    **dict.fromkeys(("minute", "min"), "60"),
    **dict.fromkeys(("hour", "hr", "h"), "3600"),
    "day": "86400",
    "week": "604800",
}
_BYTES: Final = {
    "byte": "1",
    "kb": "1000",
    "mb": "1000000",
    "gb": "1000000000",
    "kib": "1024",
    "mib": "1048576",
    "gib": "1073741824",
}
_KINDS: Final = (_LENGTHS, _WEIGHTS, _VOLUMES, _TIMES, _BYTES)
_HEAT: Final = {
    **dict.fromkeys(("c", "celsius"), "c"),
    **dict.fromkeys(("f", "fahrenheit"), "f"),
    **dict.fromkeys(("k", "kelvin"), "k"),
}


def _convert(heard: Heard) -> str | None:
    groups = heard.match.groupdict()
    try:
        number = Decimal(1) if groups["count"] in ("a", "an") else _number(groups["count"])
    except (_NoSum, InvalidOperation):
        return None
    given, wanted = _unit(groups["given"]), _unit(groups["wanted"])
    value = _heat(-number if groups["sign"] else number, given, wanted)
    for kind in _KINDS:
        if given in kind and wanted in kind:
            value = _CONTEXT.divide(_CONTEXT.multiply(number, Decimal(kind[given])), Decimal(kind[wanted]))
    if value is None:
        return None
    said = f"{groups['sign'] or ''}{groups['count']} {groups['given']}"
    return f"{said} = **{shown(Context(prec=6).plus(value))} {groups['wanted']}**"


def _unit(said: str) -> str:
    said = said.removeprefix("degrees ").removeprefix("°")
    return next(
        (name for name in (said, said.removesuffix("s")) if name in _HEAT or any(name in kind for kind in _KINDS)), said
    )


def _heat(number: Decimal, given: str, wanted: str) -> Decimal | None:
    if given not in _HEAT or wanted not in _HEAT:
        return None
    match _HEAT[given]:
        case "f":
            celsius = (number - 32) * 5 / 9
        case "k":
            celsius = number - Decimal("273.15")
        case _:
            celsius = number
    match _HEAT[wanted]:
        case "f":
            return celsius * 9 / 5 + 32
        case "k":
            return celsius + Decimal("273.15")
        case _:
            return celsius


_UNITS = r"(?:degrees )?°?[a-z]{1,12}"
RULES: Final[list[Rule]] = [
    *rule(
        _convert,
        (
            rf"(?:what is|how (?:much|many) is|convert)? ?(?P<sign>-|minus )?(?P<count>\d[\d.,]*"
            rf"|an?) ?(?P<given>{_UNITS}) (?:in|to|into|as) (?P<wanted>{_UNITS})"
        ),
        (
            rf"how many (?P<wanted>{_UNITS}) (?:are|is|are there|has)(?: in)? (?P<sign>-"
            rf"|minus )?(?P<count>\d[\d.,]*|an?) ?(?P<given>{_UNITS})"
        ),
        example="convert 5 miles to km",
    ),
    *rule(
        _calculate,
        r"(?:what is|how much is|calculate|compute|solve|was ist|wie viel ist|wieviel ist)? ?(?P<x>[-(]*\d.*)",
        example="what is 12 times 7?",
    ),
]
