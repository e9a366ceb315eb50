"""faster-whisper's real loading code, with a tiny random model made on the spot. Opt-in: it needs torch and transformers.

uv pip install torch transformers 'colloquy-transcribe[whisper]' && pytest services/transcribe/tests/test_whisper.py
"""

import importlib
import json
from importlib.util import find_spec

import pytest
from support.speech import SENTENCES, encoded, spoken

from transcribe import listening
from transcribe.adapters.sandboxes import nursery
from transcribe.adapters.whisper import NoModel, load, whisper
from transcribe.hearing import Ended, Progress
from transcribe.listening import Said

NEEDED = ("torch", "transformers", "faster_whisper", "ctranslate2")
MISSING = [name for name in NEEDED if find_spec(name) is None]
heavy = pytest.mark.skipif(bool(MISSING), reason=f"opt-in, 1.5 GB: {', '.join(MISSING)} not installed")
MEMORY = 384 * 1024 * 1024
SIZE = 32


def words():
    """A tokenizer of bytes with Whisper's own marks, learnt from our own sentences."""
    tokenizers = importlib.import_module("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, special_tokens=[])
    made.train_from_iterator(SENTENCES, trainer)
    marks = ["endoftext", "startoftranscript", "en", "translate", "transcribe", "startoflm", "startofprev", "nospeech"]
    names = [f"<|{mark}|>" for mark in (*marks, "notimestamps")]
    made.add_special_tokens([tokenizers.AddedToken(name, special=True, normalized=False) for name in names])
    made.add_tokens([tokenizers.AddedToken(f"<|{number * 0.02:.2f}|>", normalized=False) for number in range(1_501)])
    return made


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with a Whisper of random weights."""
    source, folder = tmp_path_factory.mktemp("hf"), tmp_path_factory.mktemp("model") / "tiny"
    torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    torch.manual_seed(0)
    tokenizer = words()
    end, start = tokenizer.token_to_id("<|endoftext|>"), tokenizer.token_to_id("<|startoftranscript|>")
    config = transformers.WhisperConfig(
        vocab_size=tokenizer.get_vocab_size(),
        num_mel_bins=80,
        d_model=SIZE,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=start,
        suppress_tokens=[],
        begin_suppress_tokens=[end],
    )
    made = transformers.WhisperForConditionalGeneration(config)
    made.generation_config = transformers.GenerationConfig(
        suppress_tokens=[],
        begin_suppress_tokens=[end],
        alignment_heads=[[0, 0], [1, 1]],
        lang_to_id={"<|en|>": tokenizer.token_to_id("<|en|>")},
        no_timestamps_token_id=tokenizer.token_to_id("<|notimestamps|>"),
        decoder_start_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
        is_multilingual=False,
        max_length=448,
    )
    made.save_pretrained(source)
    transformers.WhisperFeatureExtractor(feature_size=80).save_pretrained(source)
    fast = transformers.WhisperTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<|endoftext|>", bos_token="<|endoftext|>", eos_token="<|endoftext|>"
    )
    fast.save_pretrained(source)
    tokenizer.save(str(source / "tokenizer.json"))
    converters = importlib.import_module("ctranslate2.converters")
    copied = [name for name in ("tokenizer.json", "preprocessor_config.json") if (source / name).exists()]
    converters.TransformersConverter(str(source), copy_files=copied).convert(str(folder), quantization="int8")
    return folder


def test_without_a_model_the_command_that_fetches_it_is_said(tmp_path):
    with pytest.raises(NoModel, match=r"download_model|uv sync"):
        load(str(tmp_path / "nothing"), 1)


@heavy
async def test_a_recording_goes_through_the_real_engine(model):
    async with whisper(str(model), 1) as engine, nursery("whisper", MEMORY) as boxes, boxes.open(live=False, seconds=60) as box:
        await box.send(encoded(b"".join(map(spoken, SENTENCES))))
        await box.end()
        found = [one async for one in listening.recorded(box.events(), engine, None)]
    assert engine.card.model == "tiny"
    assert isinstance(found[-1], Ended)
    said = [one for one in found if isinstance(one, Said)]
    # Nobody taught it to speak: that there is something, in order, with times inside the recording, is all there is to see.
    assert said
    assert all(0 <= one.start <= one.end <= found[-1].seconds + 30 for part in said for one in part.segments)


@heavy
async def test_live_speech_goes_through_the_real_engine(model):
    async with whisper(str(model), 1) as engine, nursery("whisper", MEMORY) as boxes, boxes.open(live=True, seconds=60) as box:
        await box.send(encoded(spoken(SENTENCES[0])))
        await box.end()
        found = [one async for one in listening.live(box.events(), engine, "en")]
    assert any(isinstance(one, Progress) for one in found)
    assert isinstance(found[-1], Ended)


@heavy
def test_the_folder_is_what_the_library_needs(model):
    assert {"config.json", "model.bin", "tokenizer.json"} <= {path.name for path in model.iterdir()}
    assert json.loads((model / "config.json").read_text())
