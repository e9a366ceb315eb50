// A tool that an answer used, folded; and what has to be decided before it may run.

import type { ToolCallMessagePartProps } from "@assistant-ui/react";
import { useEffect, useState } from "react";
import type { ToolApproval } from "../contract";
import { t, type Word } from "../i18n";
import { decide } from "../person";
import type { ToolUse } from "../state/model";
import { FlightsCard } from "./Flights";
import { Icon } from "./icons";
import { useChat, useFeed } from "./context";
import { WorkflowCard } from "./WorkflowCard";

const STATUS: Record<ToolUse["status"], Word> = {
  running: "toolRunning",
  waiting: "toolWaiting",
  completed: "toolCompleted",
  failed: "toolFailed",
  rejected: "toolRejected",
  unknown: "toolUnknown",
};

export function Tool({ artifact }: ToolCallMessagePartProps) {
  const use = artifact as ToolUse;
  const approval = useFeed((state) => (use.approvalId ? state.approvals[use.approvalId] : undefined));
  return (
    <>
      <details className={`tool ${use.status}`}>
        <summary>
          <Icon name="tool" size={16} />
          <span className="tool-name">{pretty(use.name)}</span>
          <span className="chip">{t(STATUS[use.status])}</span>
          {use.durationMs !== undefined && <span className="soft">{seconds(use.durationMs)}</span>}
        </summary>
        <Detail label={t("toolArguments")} value={use.arguments} />
        {use.result != null && <Detail label={t("toolResult")} value={use.result} />}
        {use.error != null && <Detail label={t("toolError")} value={use.error} />}
      </details>
      {approval && <Approval approval={approval} />}
      <Outcome use={use} />
    </>
  );
}

/** What a tool has set going goes on to be seen. */
function Outcome({ use }: { use: ToolUse }) {
  const result = record(use.result);
  const workflow = [result?.workflowId, result?.id].find((id) => typeof id === "string" && id.startsWith("w"));
  if (use.name.endsWith("find_flights")) return <FlightsCard result={result} />;
  if (use.name === "start_workflow" && typeof workflow === "string") return <WorkflowCard id={workflow} />;
  return null;
}

export function record(value: unknown): Record<string, unknown> | undefined {
  if (typeof value === "string") {
    try {
      return record(JSON.parse(value));
    } catch {
      return undefined;
    }
  }
  return value && typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

function Detail({ label, value }: { label: string; value: unknown }) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    <div className="tool-detail">
      <span>{label}</span>
      <pre tabIndex={0}>{text}</pre>
    </div>
  );
}

export function Approval({ approval }: { approval: ToolApproval }) {
  const chat = useChat();
  const left = useSecondsLeft(approval.expiresAt);
  if (approval.status !== "waiting") return <p className="hint">{t(`approval_${approval.status}`)}</p>;
  return (
    <section className="approval" aria-label={t("approvalTitle")}>
      <h3>
        <Icon name="shield" size={18} /> {t("approvalTitle")}
      </h3>
      <p>{t("approvalQuestion", { name: pretty(approval.name) })}</p>
      <Detail label={t("toolArguments")} value={approval.arguments} />
      <footer>
        <span className="soft">{left > 0 ? t("approvalExpires", { time: clock(left) }) : t("approval_expired")}</span>
        <button type="button" className="button" disabled={left <= 0} onClick={() => void decide(chat, approval, "reject")}>
          {t("reject")}
        </button>
        <button type="button" className="button primary" disabled={left <= 0} onClick={() => void decide(chat, approval, "approve")}>
          {t("approve")}
        </button>
      </footer>
    </section>
  );
}

/** Approvals of a message whose tools are not known here: after a refresh they still wait. */
export function OpenApprovals({ messageId, shown }: { messageId: string; shown: readonly ToolUse[] }) {
  const approvals = useFeed((state) => state.approvals);
  const known = new Set(shown.map((use) => use.approvalId));
  const open = Object.values(approvals).filter((one) => one.messageId === messageId && one.status === "waiting" && !known.has(one.approvalId));
  return open.map((one) => <Approval key={one.approvalId} approval={one} />);
}

function useSecondsLeft(until: string): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, Math.round((Date.parse(until) - now) / 1_000));
}

const clock = (seconds: number) => (seconds >= 3_600 ? `${Math.floor(seconds / 3_600)} h` : seconds >= 60 ? `${Math.floor(seconds / 60)} min` : `${seconds} s`);
const seconds = (milliseconds: number) => `${(milliseconds / 1_000).toFixed(milliseconds < 1_000 ? 2 : 1)} s`;
export const pretty = (name: string) => name.replace(/^\w+?__/, "").replaceAll("_", " ");
