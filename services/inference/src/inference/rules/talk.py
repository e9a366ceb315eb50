"""Small talk: what it is, greetings, thanks, the time, and what is said to what nobody understands."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from inference.rules.heard import Heard, Rule, rule
from inference.rules.moments import day_said

ABOUT: Final = (
    "I am the built-in commands of Colloquy: fixed rules, not an AI model. I understand some things said in many ways, and do "
    "them; I can't chat."
)
CONNECT: Final = (
    "For real answers connect a model: set INFERENCE_BASE_URL to any OpenAI-compatible server (such as "
    "http://127.0.0.1:11434/v1 for Ollama), INFERENCE_MODEL to the model's name and, where one is needed, "
    "INFERENCE_API_KEY, then start Colloquy again."
)
ALWAYS: Final = ("count to 20", "/echo TEXT", "/demo markdown")
GREETING: Final = "Hello! I am the built-in commands of Colloquy, not an AI model. Say “help” to see what I can do."
NEAREST: Final = 2


def help_of(examples: Iterable[str]) -> str:
    """What can be said, by example."""
    lines = "\n".join(f"- {example}" for example in (*examples, *ALWAYS))
    return f"{ABOUT} Try:\n\n{lines}\n\n{CONNECT}"


def not_understood(text: str, examples: Iterable[str]) -> str:
    """An honest answer to what no rule matches, with the commands that look most like it."""
    near = get_close_matches(text[:120], list(examples), NEAREST, 0.45)
    meant = f" Did you mean {' or '.join(f'“{example}”' for example in near)}?" if near else " Say “help” to see what I can do."
    return (
        f"I did not understand that: I am a few built-in commands, not an AI model.{meant}\n\n"
        "To connect a real model, set INFERENCE_BASE_URL, INFERENCE_MODEL and INFERENCE_API_KEY."
    )


def _greet(_: Heard) -> str:
    return GREETING


def _thanks(_: Heard) -> str:
    return "You are welcome."


def _bye(_: Heard) -> str:
    return "Goodbye. What you told me to keep is kept."


def _time(heard: Heard) -> str:
    return f"It is {heard.now:%H:%M} ({heard.now.tzinfo})."


def _date(heard: Heard) -> str:
    """Also of another day: `what day is it in 10 days`."""
    reading, _ = heard.when()
    if reading is None:
        return f"Today is {day_said(heard.now.date())}."
    return f"That is {reading.said}." if reading.kind != "span" else f"{reading.said}."


def _days_until(heard: Heard) -> str | None:
    reading, _ = heard.when()
    if reading is None:
        return None
    days = (reading.start.date() - heard.now.date()).days
    return f"{days} {'day' if days == 1 else 'days'}: {reading.said}."


def _personas(_: Heard) -> str:
    return (
        "Personas say who answers: they are chosen with the conversation, and listed by GET /api/v1/personas. "
        "With built-in commands they change nothing; they are for a model."
    )


def _nothing_asked(_: Heard) -> str:
    return "I have not asked anything. Say “help” to see what I can do."


YES: Final = (
    r"(?:yes|yeah|yep|yup|ok|okay|sure|correct|right|exactly|do it|go ahead|confirm|please do|ja|genau|klar)(?: please| do it)?"
)
NO: Final = (
    r"(?:no|nope|cancel|stop|never mind|nevermind|forget it|do not|abort|nein|abbrechen|vergiss es)"
    r"(?: thanks| thank you| danke)?"
)

RULES: Final[list[Rule]] = [
    *rule(
        _greet,
        (
            r"(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|hallo|moin|servus|guten (?:morgen|tag"
            r"|abend))(?: there| colloquy| again)?"
        ),
        r"how are you(?: doing)?(?: today)?",
    ),
    *rule(
        _thanks,
        r"(?:thanks?|thank you|thx|cheers|danke|vielen dank)(?: you)?(?: very much| so much| a lot| again| sehr)?(?: for .*)?",
        r"great|perfect|well done|good job",
    ),
    *rule(_bye, r"(?:bye|goodbye|bye bye|see you(?: later)?|good night|tschüss|auf wiedersehen)"),
    *rule(
        _time,
        r"(?:what is the|what|tell me the|do you know the|the)? ?time(?: is it| is it now| now| right now)?",
        r"wie spät ist es|wieviel uhr ist es|uhrzeit",
        example="what time is it?",
    ),
    *rule(
        _date,
        r"(?:what is|tell me)? ?(?:the |today |today s )?(?:date|today)(?: today)?(?P<x>)",
        r"(?:what|which) (?:day|date)(?: of the week)? (?:is|will) (?:it|today|be)?(?: today| be)?(?P<x>(?: .+)?)",
        r"when is (?P<x>(?:next|this|the|in|on|tomorrow|today).*)",
        r"welcher tag ist (?:heute|es)(?P<x>)|welches datum (?:ist heute|haben wir)",
        example="what day is it in 10 days?",
    ),
    *rule(_days_until, r"how (?:many days|long)(?: is it| are there| are)?(?: left)? (?:until|till|to|before) (?P<x>.+)"),
    *rule(_personas, r"(?:list|show|what are)(?: me)?(?: all)?(?: the| my)? personas?", r"(?:which )?personas?(?: are there)?"),
    *rule(_nothing_asked, YES, NO),
]
HELP: Final = (
    r"/?(?:help|help me|commands|what can (?:you do|i say)|(?:who|what) are you|what is colloquy|hilfe|was kannst du"
    r"|wer bist du|are you (?:an? )?(?:ai|human|real|robot|bot|model|llm|chatgpt))"
)
