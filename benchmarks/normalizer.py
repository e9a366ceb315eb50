"""What it costs to read a model's stream: CPU for each chunk, beside a bare JSON reader. Prints a Markdown table."""

import json
import time
from collections.abc import Callable, Iterable

from inference.delta import Delta
from inference.dialect import Normalizer
from inference.estimate import Meter
from inference.prompt import Prompt
from inference.tags import Tags
from shared.contract.objects import PromptMessage, Sampling

CHUNKS = 20_000
ROUNDS = 5
PROMPT = Prompt((PromptMessage(role="user", text="hello"),), Sampling())


def chunk(text: str) -> bytes:
    """As a server sends one token."""
    body = {
        "id": "chatcmpl-123", "object": "chat.completion.chunk", "created": 1_795_885_910, "model": "llama-3.1-8b",
        "system_fingerprint": "fp_1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
    }  # fmt: skip
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def bare(chunks: Iterable[bytes]) -> int:
    """The least one could do: whole lines, no care."""
    return sum(len(json.loads(each[6:])["choices"][0]["delta"]["content"]) for each in chunks)


def normalized(chunks: Iterable[bytes]) -> int:
    """Ours alone."""
    said = Normalizer()
    return sum(len(delta.text) for each in chunks for delta in said.feed(each))  # type: ignore[union-attr]


def whole(chunks: Iterable[bytes]) -> int:
    """With everything that an answer goes through before it is published: tags, and the count of tokens."""
    said, tags, meter, length = Normalizer(), Tags(["think", "tool_call"]), Meter(PROMPT), 0
    for each in chunks:
        for delta in meter.through([*tags.through(said.feed(each))]):
            length += _length(delta)
    return length


def _length(delta: Delta) -> int:
    return len(getattr(delta, "text", ""))


def microseconds(read: Callable[[Iterable[bytes]], int], chunks: list[bytes]) -> float:
    """CPU for one chunk, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        read(chunks)
        best = min(best, time.process_time() - began)
    return best / len(chunks) * 1e6


def main() -> None:
    """Measures and prints."""
    chunks = [chunk(f" word{number % 100}") for number in range(CHUNKS)]
    halves = [part for each in chunks for part in (each[: len(each) // 2], each[len(each) // 2 :])]
    print("| reader | µs of CPU per chunk |\n|---|---|")
    for name, read, given in (
        ("bare JSON", bare, chunks),
        ("normalizer", normalized, chunks),
        ("normalizer, every chunk cut in two", normalized, halves),
        ("normalizer, tags and token count", whole, chunks),
    ):
        times = len(given) / len(chunks)
        print(f"| {name} | {microseconds(read, given) * times:.1f} |")


if __name__ == "__main__":
    main()
