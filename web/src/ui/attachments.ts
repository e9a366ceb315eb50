// Files that come with a message: text, read here and sent as it is.

import type { AttachmentAdapter, CompleteAttachment, PendingAttachment } from "@assistant-ui/react";
import { t } from "../i18n";
import { newKey } from "../api";

const LIMIT = 1024 * 1024;
const TYPES = "text/*,application/json,application/xml,.md,.csv,.log,.yaml,.yml,.toml,.py,.ts,.tsx,.js,.rs,.go,.java,.c,.h,.cpp,.sh,.sql";

export class UnfitFile extends Error {}

export class TextAttachments implements AttachmentAdapter {
  accept = TYPES;

  async add({ file }: { file: File }): Promise<PendingAttachment> {
    if (file.size > LIMIT) throw new UnfitFile(t("attachmentTooLarge", { name: file.name }));
    const text = await file.text();
    if (text.includes("\u0000")) throw new UnfitFile(t("attachmentNoText", { name: file.name }));
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
