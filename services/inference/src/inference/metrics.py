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

# By the names of OpenTelemetry's conventions for generative AI, as Prometheus spells them: one request to a model each.
_OF = ["server_address", "gen_ai_request_model"]
TOKEN_USAGE = Histogram(
    "gen_ai_client_token_usage",
    "Tokens of one request; some are estimates, where a server does not count.",
    [*_OF, "gen_ai_token_type"],
    buckets=[4**power for power in range(11)],
)
DURATION = Histogram(
    "gen_ai_client_operation_duration_seconds",
    "Time of one request, by how it ended.",
    [*_OF, "error_type"],
    buckets=[0.01 * 2**power for power in range(15)],
)
FIRST_CHUNK = Histogram(
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    "From the request to its first word.",
    _OF,
    buckets=[0.001 * 2**power for power in range(15)],
)
PER_TOKEN = Histogram(
    "gen_ai_server_time_per_output_token_seconds",
    "Time of each token after the first.",
    _OF,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1),
)
COST = Counter("colloquy_model_cost_usd", "What the requests to a model have cost, in US dollars, by its price.", ["model"])
TOOL_CALLS = Counter("colloquy_tool_calls", "Calls of tools that ended here.", ["tool", "outcome"])
TOOL_SECONDS = Histogram(
    "colloquy_tool_seconds",
    "How long a call of a tool took.",
    ["tool"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)


def tool_called(tool: str, outcome: str, seconds: float) -> None:
    """A call has ended."""
    TOOL_CALLS.labels(tool, outcome).inc()
    TOOL_SECONDS.labels(tool).observe(seconds)
