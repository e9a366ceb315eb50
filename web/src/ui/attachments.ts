// Files that come with a message: text, read here and sent as it is.

import type { AttachmentAdapter, CompleteAttachment, PendingAttachment } from "@assistant-ui/react";
import { t } from "../i18n";
import { newKey } from "../api";

const LIMIT = 1024 * 1024;
export class UnfitFile extends Error {}

export class TextAttachments implements AttachmentAdapter {
  /** Whether it is text is told by what is in it: many kinds of text have no type that a browser knows. */
  accept = "*";

  async add({ file }: { file: File }): Promise<PendingAttachment> {
    if (file.size > LIMIT) throw new UnfitFile(t("attachmentTooLarge", { name: file.name }));
    const text = decoded(await file.arrayBuffer());
    if (text === undefined) throw new UnfitFile(t("attachmentNoText", { name: file.name }));
    return {
      id: newKey(),
      type: "document",
      name: file.name.slice(0, 255),
      contentType: file.type || "text/plain",
      file,
      content: [{ type: "text", text }],
      status: { type: "requires-action", reason: "composer-send" },
    };
  }

  async send(attachment: PendingAttachment): Promise<CompleteAttachment> {
    return { ...attachment, content: attachment.content ?? [], status: { type: "complete" } };
  }

  async remove(): Promise<void> {}
}

/** Undefined where it is no text. */
function decoded(bytes: ArrayBuffer): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\u0000") ? undefined : text;
  } catch {
    return undefined;
  }
}
