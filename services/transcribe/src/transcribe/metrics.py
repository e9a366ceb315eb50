"""What can be measured about speech."""

from prometheus_client import Counter, Gauge, Histogram

AUDIO_IN = Counter("colloquy_transcribe_audio_seconds_total", "Seconds of audio that were heard.", ["origin"])
AUDIO_OUT = Counter("colloquy_speech_audio_seconds_total", "Seconds of audio that were spoken.", ["voice"])
FACTOR = Histogram(
    "colloquy_transcribe_real_time_factor",
    "Seconds it took to hear a second of a recording.",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
)
SAY_SECONDS = Histogram(
    "colloquy_speech_seconds",
    "Seconds until a sentence was sound.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
)
QUEUED_SECONDS = Histogram(
    "colloquy_transcribe_queue_seconds",
    "Seconds from an upload until a worker began.",
    buckets=(0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0),
)
FAILURES = Counter("colloquy_transcribe_failures_total", "Audio that did not become text, by the reason.", ["code"])
JOBS = Gauge("colloquy_transcribe_jobs", "Recordings that are being heard.")
SESSIONS = Gauge("colloquy_transcribe_sessions", "Live sessions.")
BEHIND = Gauge("colloquy_transcribe_behind_seconds", "Seconds of live audio that wait, of the session that is furthest behind.")
ERASED = Counter("colloquy_transcribe_orphans_total", "Audio that was left over and has been erased.")
