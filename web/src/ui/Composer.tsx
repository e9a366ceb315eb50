// The place to write. What is sent while an answer runs waits its turn.

import { AttachmentPrimitive, ComposerPrimitive, useAui, useAuiEvent } from "@assistant-ui/react";
import { memo, useEffect, useMemo, useRef } from "react";
import { t, useLanguage } from "../i18n";
import { ENDED } from "../state/model";
import { useStore } from "../store";
import { useChat, useFeed, useView } from "./context";
import { IconButton } from "./controls";
import { Icon } from "./icons";
import { VoiceBar, VoiceStrip } from "../voice/Voice";

/** Nothing of it depends on the text that streams above. */
export const Composer = memo(function Composer() {
  useLanguage();
  const running = useRunning();
  const chat = useChat();
  const id = useView((view) => view.conversationId);
  useDraft(id);
  useAuiEvent("composer.attachmentAddError", ({ message }) => chat.view.update({ notice: message }));
  return (
    <ComposerPrimitive.Root className="composer" key={id ?? "new"}>
      <ComposerPrimitive.Attachments>{() => <File />}</ComposerPrimitive.Attachments>
      <ComposerPrimitive.Input
        className="composer-input"
        id="composer"
        aria-label={t("message")}
        placeholder={t("messagePlaceholder")}
        maxRows={10}
        autoFocus
        unstable_insertNewlineOnTouchEnter
      />
      <VoiceStrip running={running} />
      <div className="composer-bar">
        <ComposerPrimitive.AddAttachment asChild>
          <IconButton icon="clip" label={t("attach")} />
        </ComposerPrimitive.AddAttachment>
        <VoiceBar />
        <span className="grow" />
        {running && id && <IconButton icon="stop" label={t("stop")} className="round stop" onClick={() => void chat.attempt(chat.stop(id))} />}
        <ComposerPrimitive.Send asChild>
          <IconButton icon="send" label={t("send")} className="round primary" />
        </ComposerPrimitive.Send>
      </div>
    </ComposerPrimitive.Root>
  );
});

function File() {
  return (
    <AttachmentPrimitive.Root className="file">
      <Icon name="note" size={16} />
      <AttachmentPrimitive.Name />
      <AttachmentPrimitive.Remove asChild>
        <IconButton icon="close" label={t("discard")} size={14} />
      </AttachmentPrimitive.Remove>
    </AttachmentPrimitive.Root>
  );
}

/** What is being written stays with its conversation: until one comes back to it, and over a refresh. */
function useDraft(id: string | null): void {
  const aui = useAui();
  const { kept, feed } = useChat();
  // Until it is known who is here, nothing is shown of what was written in this tab.
  const loaded = useStore(feed.line, (line) => line.loaded);
  const before = useRef<string | null | undefined>(undefined);
  useEffect(() => {
    if (!loaded) return undefined;
    const composer = aui.composer;
    const typed = before.current === undefined ? composer().getState().text : "";
    before.current = id;
    let known = [kept.draft(id), typed].filter(Boolean).join(" ");
    kept.keepDraft(id, known);
    if (composer().getState().text !== known) composer().setText(known);
    return aui.subscribe(() => {
      const { text } = composer().getState();
      if (text !== known) kept.keepDraft(id, (known = text));
    });
  }, [aui, kept, id, loaded]);
}

/** Whether an answer of this conversation runs or waits. */
export function useRunning(): boolean {
  const id = useView((view) => view.conversationId);
  const messages = useFeed((state) => (id ? state.messages[id] : undefined));
  return useMemo(() => Object.values(messages ?? {}).some((message) => message.role === "assistant" && !ENDED.has(message.status)), [messages]);
}
