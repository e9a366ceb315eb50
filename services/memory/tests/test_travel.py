"""Which calendar entries mean travelling, and where to."""

import pytest

from memory.travel import destination


@pytest.mark.parametrize(
    ("location", "town"),
    [
        ("Paris", "Paris"),
        ("Paris, France", "Paris"),
        ("San Francisco, CA", "San Francisco"),
        ("London SW1A 1AA, UK", "London"),
        ("Palais des Congrès, 2 Place Maillot, 75017 Paris, France", "Paris"),
        ("Hotel Adlon, Unter den Linden 77, Munich", "Munich"),
        ("Alexanderplatz 1, 10178 Berlin, Germany", None),
        ("berlin", None),
        ("Bérlin", None),
        ("in 5 minutes", None),
        ("the office", None),
        ("Room 4", None),
        ("Conference Room Paris", None),
        ("Main Street 5", None),
        ("Mario's Pizzeria", None),
        ("https://zoom.us/j/1", None),
        ("Microsoft Teams Meeting", None),
        ("Zoom", None),
        ("TBD", None),
        ("???", None),
        (",", None),
    ],
)
def test_a_location_is_travelled_to_when_it_is_a_town_that_is_not_home(location, town):
    assert destination("Meeting", None, location, "Berlin, Germany") == town


@pytest.mark.parametrize(
    ("title", "town"),
    [
        ("Flight to Paris", "Paris"),
        ("Flight LH 123 to Paris", None),
        ("flight to New York", "New York"),
        ("Trip to Rio de Janeiro with Ana", "Rio de Janeiro"),
        ("Business trip to the Netherlands", "Netherlands"),
        ("PyCon conference in Pittsburgh next week", "Pittsburgh"),
        ("Tech summit 2026 in San José", "San José"),
        ("Offsite in Lisbon", "Lisbon"),
        ("Flight to Berlin", None),
        ("Flight back to Berlin", None),
        ("Conference in May", None),
        ("Workshop in English", None),
        ("Workshop in Room 5", None),
        ("Conference call in 5 minutes", None),
        ("Call in the office", None),
        ("Trip to the dentist", None),
        ("Going to Bed", None),
        ("Introduction to Python", None),
        ("Lunch with Paris Hilton", None),
        ("", None),
    ],
)
def test_words_mean_travelling_only_where_they_say_so(title, town):
    assert destination(title, None, None, "Berlin") == town
    assert destination("Note", f"We have a {title}.", None, "Berlin") == town


def test_who_has_no_home_we_know_of_travels_to_any_town():
    assert destination("Meeting", None, "Berlin") == "Berlin"
    assert destination("Flight to Berlin", None, None, 7) == "Berlin"


def test_a_place_to_meet_online_is_none_whatever_the_title_says():
    assert destination("Conference in Paris", "trip to Rome", "Zoom", "Berlin") is None


def test_what_is_long_and_strange_is_read_in_no_time():
    for text in ("in " * 5000, "conference " * 2000, "Trip to " + "A" * 20_000, "Aa " * 10_000, "a, " * 5000):
        destination(text, text, text, text)
