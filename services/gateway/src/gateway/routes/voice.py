"""Transcripts, by their ids."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from gateway.parts import Caller, Here
from gateway.replies import reply, shows
from shared.contract.speech import GET_TRANSCRIPT, GetTranscript
from shared.contract.transcript import Transcript
from shared.ids import Id

router = APIRouter(prefix="/api/v1", tags=["speech"])


@router.get("/voice-upload/{transcript_id}", responses=shows(Transcript))
async def get_transcript(parts: Here, caller: Caller, transcript_id: Annotated[Id, Path()]) -> Response:
    """How far a recording is, and its text."""
    transcript = await parts.ask(GET_TRANSCRIPT, GetTranscript(user=caller.user, id=transcript_id))
    shown: dict[str, Any] = {**transcript.wire(), "transcriptJobId": transcript.id}
    return reply(shown)
