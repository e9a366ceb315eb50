"""What an operator may change about inference; every variable starts with `INFERENCE_`."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from shared.settings import settings_config


class InferenceSettings(BaseSettings):
    """Which model answers, how long it may take, and how much it may say."""

    model_config = settings_config("INFERENCE_")

    base_url: str = Field(
        default="",
        description="Address of an OpenAI-compatible server up to and with /v1; empty: only the built-in commands answer.",
    )
    api_key: SecretStr = Field(default=SecretStr(""), description="Key for that server; empty: none is sent.")
    model: str = Field(
        default="", description="Name of the model at that server; several, separated by commas: the first is the default."
    )
    models: SecretStr = Field(
        default=SecretStr(""),
        description="Several models with prices, limits and who answers when one fails, as TOML or as the path of a TOML file.",
    )
    canned_reply: str = Field(
        default="",
        description="What is said, as the model canned, when no model could answer; empty: the answer fails with the reason.",
    )
    breaker_failures: int = Field(
        default=5, ge=0, description="Failures in a row after which a model's server is left alone for a while; 0: never."
    )
    breaker_seconds: float = Field(default=15.0, gt=0, description="Seconds for which it is left alone; then one tries.")
    extra_headers: dict[str, SecretStr] = Field(
        default_factory=dict[str, SecretStr], description="More headers for that server, as a JSON object."
    )
    redact: bool = Field(
        default=False,
        description="Hide e-mail, phone, card and account numbers and keys from models; answers have them again.",
    )
    system_prompt: str = Field(
        default="",
        description="What the model is told before a conversation, unless that names a persona or brings such a message.",
    )
    slots: int = Field(default=64, ge=1, le=1_000, description="How many answers one worker process produces at a time.")
    digest_slots: int = Field(
        default=2, ge=1, le=100, description="How many titles and summaries one worker process makes at a time."
    )
    complete_slots: int = Field(
        default=4,
        ge=1,
        le=100,
        description="How many completions for work in the background one worker process makes at a time.",
    )
    connect_seconds: float = Field(default=5.0, gt=0, description="Seconds to wait for a connection to the model's server.")
    first_token_seconds: float = Field(
        default=15.0, gt=0, description="Seconds to wait for the first token, all retries included."
    )
    idle_seconds: float = Field(default=30.0, gt=0, description="Seconds to wait for the next token; comments don't count.")
    total_seconds: float = Field(default=300.0, gt=0, description="Seconds that a whole answer may take.")
    retries: int = Field(default=2, ge=0, le=10, description="How often a request is tried again before the first token.")
    retry_delay_seconds: float = Field(
        default=0.5, ge=0, description="Seconds before the first retry, give or take half; doubled for each further one."
    )
    retry_after_cap_seconds: float = Field(
        default=10.0, ge=0, description="The longest Retry-After that is waited for; with a longer one the answer fails."
    )
    max_output_chars: int = Field(
        default=100_000, ge=1, le=100_000, description="Characters after which an answer is cut and marked as too long."
    )
    demo_tokens_per_second: float = Field(
        default=60.0, ge=0, description="Speed of the built-in commands; 0: as fast as they can."
    )
    tools: bool = Field(default=True, description="Whether models may call tools for a person.")
    tool_servers: SecretStr = Field(
        default=SecretStr(""),
        description="MCP servers whose tools models may call, and policies, as TOML or as the path of a TOML file.",
    )
    tool_rounds: int = Field(
        default=8, ge=1, le=50, description="How often a model may be asked again with results of tools in one answer."
    )
    tool_seconds: float = Field(default=30.0, gt=0, description="Seconds that a built-in tool may take.")
    tool_list_seconds: float = Field(
        default=300.0, gt=0, description="Seconds after which a server is asked for its tools again."
    )
    tool_slots: int = Field(
        default=16, ge=1, le=1_000, description="How many calls of tools for work in the background one worker process makes."
    )
    ask_after_untrusted: bool = Field(
        default=True,
        description="Whether a model that has read what strangers wrote (attachments, results of MCP tools) needs an approval"
        " for every call that does something.",
    )
    user_tool_servers: int = Field(
        default=4, ge=0, le=32, description="How many MCP servers of their own a person may use, by https; 0: none."
    )
    user_tool_hosts: str = Field(
        default="*",
        description="Hosts that those may be at, separated by commas; .example.org with all below it, * every public one.",
    )
