// One message: what was asked, or what was answered.

import { ActionBarPrimitive, ComposerPrimitive, MessagePrimitive, useAuiState, useMessagePartText, useMessagePartReasoning } from "@assistant-ui/react";
import { memo } from "react";
import { t, useLanguage } from "../i18n";
import { CopyButton } from "../markdown/CodeBlock";
import { Markdown } from "../markdown/Markdown";
import { ENDED } from "../state/model";
import { useChat } from "./context";
import { IconButton } from "./controls";
import { Icon } from "./icons";
import { textOf, type Row } from "./rows";
import { useSiblings } from "./siblings";
import { Cards } from "./Cards";
import { OpenApprovals, Tool } from "./Tool";
import { toolsOf } from "./tools";
import { useTalk } from "../voice/Voice";
import { reading } from "../voice/speaker";
import { useStore } from "../store";

export const UserMessage = memo(function UserMessage({ row }: { row: Row }) {
  useLanguage();
  const editing = useAuiState((state) => state.message.composer.isEditing);
  const { message, pending } = row;
  return (
    <MessagePrimitive.Root className={`message user ${pending?.status ?? ""}`} aria-label={t("you")} data-message={message.id}>
      {editing ? (
        <Editor />
      ) : (
        <>
          {message.attachments?.map((file, place) => (
            <span key={place} className="file">
              <Icon name="note" size={16} /> {file.name}
            </span>
          ))}
          <div className="bubble">{message.text}</div>
          {pending ? <PendingLine row={row} /> : <UserActions row={row} />}
        </>
      )}
    </MessagePrimitive.Root>
  );
});

function Editor() {
  return (
    <ComposerPrimitive.Root className="editor">
      <ComposerPrimitive.Input className="editor-input" aria-label={t("edit")} />
      <div className="editor-actions">
        <ComposerPrimitive.Cancel className="button">{t("cancel")}</ComposerPrimitive.Cancel>
        <ComposerPrimitive.Send className="button primary">{t("send")}</ComposerPrimitive.Send>
      </div>
    </ComposerPrimitive.Root>
  );
}

function UserActions({ row }: { row: Row }) {
  return (
    <div className="actions">
      <Branches row={row} />
      <CopyButton text={row.message.text} />
      <ActionBarPrimitive.Edit asChild>
        <IconButton icon="edit" label={t("edit")} size={16} />
      </ActionBarPrimitive.Edit>
    </div>
  );
}

function PendingLine({ row }: { row: Row }) {
  const chat = useChat();
  const { pending } = row;
  if (!pending) return null;
  if (pending.status === "sending") return <p className="hint">{t("sending")}</p>;
  const stale = pending.status === "stale";
  return (
    <div className="trouble" role="alert">
      <p>{stale ? t("stale", { count: pending.missed ?? 0 }) : t("notSent", { message: pending.error || t("unreachable") })}</p>
      <button type="button" className="button primary" onClick={() => void chat.outbox.again(pending.key)}>
        {stale ? t("sendAnyway") : t("retry")}
      </button>
      <button type="button" className="button" onClick={() => chat.outbox.discard(pending.key)}>
        {t("discard")}
      </button>
    </div>
  );
}

export const AssistantMessage = memo(function AssistantMessage({ row }: { row: Row }) {
  useLanguage();
  const { message, live } = row;
  const ended = ENDED.has(message.status);
  return (
    <MessagePrimitive.Root className={`message assistant ${message.status}`} aria-label={t("assistant")} data-message={message.id} data-status={message.status}>
      <MessagePrimitive.Parts components={PARTS} />
      <Cards row={row} />
      {!ended && <OpenApprovals messageId={message.id} shown={toolsOf(row)} />}
      {!ended && <Progress row={row} />}
      <Ending row={row} />
      {ended && <AssistantActions row={row} />}
      {live && <span className="visually-hidden" role="status">{t("thinking")}</span>}
    </MessagePrimitive.Root>
  );
});

const PARTS = { Text, Reasoning, tools: { Fallback: Tool } };

function Text() {
  const { text, status } = useMessagePartText();
  return <Markdown text={text} growing={status.type === "running"} />;
}

function Reasoning() {
  const { text, status } = useMessagePartReasoning();
  return (
    <details className="reasoning" open={status.type === "running"}>
      <summary>{t("thought")}</summary>
      <p>{text}</p>
    </details>
  );
}

function Progress({ row }: { row: Row }) {
  if (!row.live && row.queue) return <p className="hint">{t("queued", { count: row.queue })}</p>;
  return (
    <>
      {row.live && row.live.attempt > 1 && <p className="hint">{t("restarted")}</p>}
      {!textOf(row) && (
        <span className="dots" aria-hidden="true">
          <i />
          <i />
          <i />
        </span>
      )}
    </>
  );
}

function Ending({ row }: { row: Row }) {
  const { status, error, finishReason } = row.message;
  if (status === "failed") return <p className="trouble" role="alert">{t("failed", { message: error?.message ?? "" })}</p>;
  if (status === "cancelled") return <p className="hint">{t("cancelled")}</p>;
  if (finishReason === "length") return <p className="hint">{t("truncated")}</p>;
  return null;
}

function AssistantActions({ row }: { row: Row }) {
  const chat = useChat();
  const { message } = row;
  return (
    <div className="actions">
      <Branches row={row} />
      <CopyButton text={message.text} />
      <IconButton icon="refresh" label={t("regenerate")} size={16} onClick={() => void chat.regenerate(message.conversationId, message.id)} />
      <ReadAloud row={row} />
      {message.model && <span className="model">{message.model}</span>}
    </div>
  );
}

function ReadAloud({ row }: { row: Row }) {
  const { speaker } = useTalk();
  const read = useStore(reading, (now) => now.id === row.id);
  const act = () => (read ? speaker.stop() : speaker.read(row.id, row.message.text));
  return <IconButton icon={read ? "stop" : "speaker"} size={16} label={read ? t("stopSpeaking") : t("speak")} aria-pressed={read} onClick={act} />;
}

function Branches({ row }: { row: Row }) {
  const chat = useChat();
  const { place, all } = useSiblings(row.message);
  if (all.length < 2) return null;
  const show = (other: number) => {
    const message = all[other];
    if (message) void chat.branch(message.conversationId, message.id);
  };
  return (
    <span className="branches">
      <IconButton icon="left" size={16} label={t("previousBranch")} disabled={place <= 0} onClick={() => show(place - 1)} />
      <span aria-label={t("branch", { number: place + 1, count: all.length })}>
        {place + 1}/{all.length}
      </span>
      <IconButton icon="right" size={16} label={t("nextBranch")} disabled={place >= all.length - 1} onClick={() => show(place + 1)} />
    </span>
  );
}
