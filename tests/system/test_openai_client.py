"""N14: the official OpenAI library works unchanged."""

import pytest
from openai import AsyncOpenAI, NotFoundError
from support.system import running


async def test_n14_the_openai_library_streams_counts_and_lists(tmp_path):
    with running(tmp_path, INFERENCE_DEMO_TOKENS_PER_SECOND="0") as system:
        async with AsyncOpenAI(base_url=f"{system.url}/v1", api_key="-", default_query={"user": "ana"}) as openai:
            models = [model.id async for model in openai.models.list()]
            assert models == ["colloquy-demo"]
            messages = [{"role": "user", "content": "/echo Grüße, 世界 🌍"}]
            stream = await openai.chat.completions.create(
                model=models[0], messages=messages, stream=True, stream_options={"include_usage": True}
            )
            chunks = [chunk async for chunk in stream]
            assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Grüße, 世界 🌍"
            assert chunks[-1].usage.completion_tokens > 0
            whole = await openai.chat.completions.create(model=models[0], messages=messages)
            assert whole.choices[0].message.content == "Grüße, 世界 🌍"
            with pytest.raises(NotFoundError):
                await openai.chat.completions.create(model="no-such-model", messages=messages)
