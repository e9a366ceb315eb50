"""What inference counts."""

from prometheus_client import Counter, Gauge, Histogram

TOKENS = Counter("colloquy_tokens", "Pieces of text and reasoning that models produced.", ["model"])
GENERATIONS = Counter("colloquy_generations", "Generations that ended here.", ["outcome", "model"])
FAILURES = Counter("colloquy_upstream_errors", "Answers that failed, by code.", ["code"])
RETRIES = Counter("colloquy_upstream_retries", "Requests to a model's server that were tried again.")
FIRST_TOKEN = Histogram(
    "colloquy_first_token_seconds",
    "From the order to the first token.",
    ["model"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15),
)
SPEED = Histogram(
    "colloquy_tokens_per_second",
    "Speed of one answer after its first token.",
    ["model"],
    buckets=(1, 2, 5, 10, 20, 30, 50, 75, 100, 200, 500, 1_000, 10_000),
)
FALLBACKS = Counter(
    "colloquy_model_fallbacks", "Answers that went to the next model of a chain, by why.", ["model", "next", "code"]
)
CIRCUIT = Gauge("colloquy_circuit_state", "Circuit breaker of a provider: 0 closed, 1 half open, 2 open.", ["provider"])
