"""One reader's way into a channel: first what is stored after its cursor, then what came meanwhile, then live."""

import asyncio
from typing import TYPE_CHECKING

from shared.reader import Reader, Reason
from shared.replay import Taker, replay
from shared.stored import SEQUENCE, Stored, field

if TYPE_CHECKING:
    from shared.channel import Channel

AGAIN_SECONDS = 0.5


class Follower(Taker):
    """A reader at its place in the feed; the `Attachment` of `Feed.attach`."""

    __slots__ = ("_ahead", "_asking", "_channel", "_covered", "_read", "position", "reader")

    def __init__(self, channel: "Channel", reader: Reader) -> None:
        self.reader = reader
        self.position = 0
        """While it waits: everything of the scope up to here was delivered."""
        self._channel: Channel | None = channel
        self._covered = 0
        self._asking = False
        self._read = False
        """The past was read; the rest is live for the channel, or held by it."""
        self._ahead = False
        """A replay came to the newest events before the live subscription did."""

    @property
    def attached(self) -> bool:
        """Still to be served."""
        return self._channel is not None

    def start(self, after: int | None) -> None:
        """Begins with what comes after this sequence; None: with what comes from now on."""
        channel = self._channel
        if channel is None:
            return
        if after is None:
            channel.join(self)
            self.reader.caught_up()
            return
        self.position = after
        channel.wait(self)
        # What the channel has not delivered yet is still to come live: then there is nothing to read.
        self._read = after >= channel.position
        self.proceed()

    def proceed(self) -> None:
        """Goes on as far as it can: reads the next batch, or joins. Called again whenever the channel has settled."""
        channel = self._channel
        if channel is None or self._asking or channel.settling:
            return
        if not self._read or self.position < channel.held_after:  # so much came meanwhile that not all of it was held
            self._asking, self._read = True, False
            self._covered = channel.position
            replay(channel.jetstream, channel.scope, self.position, self)
            return
        for event in channel.held:
            self._hear(event)
        if self.position <= channel.position:
            channel.join(self)
        else:
            self._ahead = True
        self.reader.caught_up()

    def heard_live(self, event: Stored) -> None:
        """The channel delivers this while this one waits."""
        if self._ahead and event.sequence > self.position and self._channel is not None:
            self._hear(event)
            self._channel.join(self)

    def _hear(self, event: Stored) -> None:
        if event.sequence > self.position and self._channel is not None:
            self.position = event.sequence
            self.reader.deliver(event)

    def replayed(self, header: bytes, payload: bytes) -> None:
        sequence = int(field(header, SEQUENCE))
        if sequence > self.position and self._channel is not None:
            self.position = sequence
            self.reader.deliver(Stored(self._channel.incarnation, sequence, header, payload))

    def batch_ended(self, more: bool) -> None:
        if more and self._channel is not None:
            self.reader.when_taken(self._go_on)
            return
        # Nothing of the scope lies between the last message read and what was live when it was asked for.
        self.position = max(self.position, self._covered)
        self._read = True
        self._go_on()

    def batch_failed(self) -> None:
        self._asking = False
        if self._channel is not None and not self._channel.settling:
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self.proceed)

    def detach(self) -> None:
        """Deliver nothing more. Idempotent."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.leave(self)

    def reset(self, reason: Reason) -> None:
        """The end: the reader must begin anew."""
        if self._channel is not None:
            self.detach()
            self.reader.reset(reason)

    def _go_on(self) -> None:
        self._asking = False
        self.proceed()
