"""Writes a tiny model for llama.cpp, in its real format and of random numbers: a tokenizer, a chat template, nothing learned.

python tiny_gguf.py tiny.gguf
llama-server -m tiny.gguf --port 8999 -c 4096 -np 2 -t 1 --jinja --alias tiny --offline
"""

import array
import random
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WIDTH, LAYERS, HEADS, KV_HEADS, CONTEXT, ALIGNMENT = 64, 2, 4, 2, 2048, 32
CONTROLS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["t h", "th e", "i n", "Ġ a", "Ġ t", "e r", "o n", "Ġt he", "r e", "a n"]
NORMAL, CONTROL = 1, 3
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TEMPLATE = (
    "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' }}{%- if m.content %}{{- m.content }}{%- endif %}"
    "{{- '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def vocabulary() -> list[str]:
    """Controls, every byte as GPT-2 writes it, and what is merged."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return [
        *CONTROLS,
        *map(chr, visible),
        *(chr(256 + number) for number in range(len(hidden))),
        *(m.replace(" ", "") for m in MERGES),
    ]


def fields(tokens: list[str]) -> list[tuple[str, int, Any]]:
    """What the file says about the model."""
    kinds = [CONTROL if token in CONTROLS else NORMAL for token in tokens]
    return [
        ("general.architecture", STRING, "llama"),
        ("general.name", STRING, "tiny"),
        ("general.file_type", UINT32, 0),
        ("llama.context_length", UINT32, CONTEXT),
        ("llama.embedding_length", UINT32, WIDTH),
        ("llama.block_count", UINT32, LAYERS),
        ("llama.feed_forward_length", UINT32, WIDTH * 3),
        ("llama.attention.head_count", UINT32, HEADS),
        ("llama.attention.head_count_kv", UINT32, KV_HEADS),
        ("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-6),
        ("llama.rope.freq_base", FLOAT32, 10_000.0),
        ("llama.rope.dimension_count", UINT32, WIDTH // HEADS),
        ("llama.vocab_size", UINT32, len(tokens)),
        ("tokenizer.ggml.model", STRING, "gpt2"),
        ("tokenizer.ggml.pre", STRING, "gpt-2"),
        ("tokenizer.ggml.tokens", ARRAY, (STRING, tokens)),
        ("tokenizer.ggml.token_type", ARRAY, (INT32, kinds)),
        ("tokenizer.ggml.merges", ARRAY, (STRING, MERGES)),
        ("tokenizer.ggml.bos_token_id", UINT32, 0),
        ("tokenizer.ggml.eos_token_id", UINT32, 2),
        ("tokenizer.ggml.add_bos_token", BOOL, False),
        ("tokenizer.chat_template", STRING, TEMPLATE),
    ]


def shapes(words: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Of every tensor, the columns first, as the format has it."""
    keys = WIDTH // HEADS * KV_HEADS
    yield from {"token_embd.weight": (WIDTH, words), "output_norm.weight": (WIDTH,)}.items()
    for layer in range(LAYERS):
        for name, shape in {
            "attn_norm": (WIDTH,),
            "ffn_norm": (WIDTH,),
            "attn_q": (WIDTH, WIDTH),
            "attn_k": (WIDTH, keys),
            "attn_v": (WIDTH, keys),
            "attn_output": (WIDTH, WIDTH),
            "ffn_gate": (WIDTH, WIDTH * 3),
            "ffn_up": (WIDTH, WIDTH * 3),
            "ffn_down": (WIDTH * 3, WIDTH),
        }.items():
            yield f"blk.{layer}.{name}.weight", shape


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def written(kind: int, value: Any) -> bytes:
    if kind == ARRAY:
        of, items = value
        return struct.pack("<IQ", of, len(items)) + b"".join(written(of, item) for item in items)
    return text(value) if kind == STRING else struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[kind], value)


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % ALIGNMENT)


def tensor(name: str, shape: tuple[int, ...]) -> bytes:
    chance, size = random.Random(name), 1
    for side in shape:
        size *= side
    one = name.endswith("norm.weight")
    return array.array("f", [1.0] * size if one else [chance.gauss(0, 0.05) for _ in range(size)]).tobytes()


def model() -> bytes:
    """The whole file."""
    tokens = vocabulary()
    about, tensors = fields(tokens), list(shapes(len(tokens)))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(about))
    head += b"".join(text(name) + struct.pack("<I", kind) + written(kind, value) for name, kind, value in about)
    data = b""
    for name, shape in tensors:
        head += (
            text(name)
            + struct.pack("<I", len(shape))
            + struct.pack(f"<{len(shape)}Q", *shape)
            + struct.pack("<IQ", 0, len(data))
        )
        data += padded(tensor(name, shape))
    return padded(head) + data


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(model())
