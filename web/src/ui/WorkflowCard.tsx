// Work in the background, step by step as it happens, with the ways to hold it or to end it.

import { useEffect } from "react";
import type { Step } from "../contract";
import { t } from "../i18n";
import { steer, workflow as load } from "../person";
import type { WorkflowSeen } from "../state/model";
import { useChat, useFeed } from "./context";
import { IconButton } from "./controls";
import { Icon, type IconName } from "./icons";
import { Markdown } from "../markdown/Markdown";
import { record } from "./Tool";

const OVER = new Set(["completed", "failed", "terminated"]);

export function WorkflowCard({ id, folded = false }: { id: string; folded?: boolean }) {
  const chat = useChat();
  const work = useFeed((state) => state.workflows[id]);
  const stamp = work?.updatedAt;
  useEffect(() => {
    if (folded) return undefined;
    const timer = setTimeout(() => void load(chat, id).catch(() => {}), stamp ? 250 : 0);
    return () => clearTimeout(timer);
  }, [chat, id, stamp, folded]);
  if (!work) return null;
  return (
    <section className={`workflow ${work.status}`} aria-label={t("workflow", { name: work.type })}>
      <header>
        <Icon name="flow" size={18} />
        <strong>{goalOf(work)}</strong>
        <span className="grow" />
        <span className={`chip ${work.status}`}>{t(`work_${work.status}`)}</span>
        <Controls work={work} />
      </header>
      {!folded && (
        <ol>
          {work.steps.map((step) => (
            <OneStep key={step.name} step={step} />
          ))}
        </ol>
      )}
      {!folded && <Output work={work} />}
    </section>
  );
}

export function goalOf(work: WorkflowSeen): string {
  const goal = record(work.params)?.goal;
  return typeof goal === "string" ? goal : work.type;
}

function Controls({ work }: { work: WorkflowSeen }) {
  const chat = useChat();
  if (OVER.has(work.status)) return null;
  const paused = work.status === "paused";
  return (
    <>
      <IconButton icon={paused ? "play" : "pause"} size={16} label={paused ? t("resume") : t("pause")} onClick={() => void steer(chat, work.id, paused ? "resume" : "pause")} />
      <IconButton icon="close" size={16} label={t("terminate")} onClick={() => void steer(chat, work.id, "terminate")} />
    </>
  );
}

const LOOK: Record<Step["status"], IconName> = { running: "refresh", retrying: "refresh", sleeping: "pause", waiting: "pause", completed: "check", failed: "close" };

function OneStep({ step }: { step: Step }) {
  return (
    <li className={`step ${step.status}`}>
      <Icon name={LOOK[step.status]} size={15} />
      <span>{step.name}</span>
      {step.attempts > 1 && <span className="soft">{t("attempts", { count: step.attempts })}</span>}
      {step.error && <span className="soft">{step.error.message}</span>}
    </li>
  );
}

function Output({ work }: { work: WorkflowSeen }) {
  if (work.error) return <p className="hint">{work.error.message}</p>;
  const output = record(work.output);
  const plan = Array.isArray(output?.plan) ? output.plan.map(String) : [];
  const result = output?.result ?? (typeof work.output === "string" ? work.output : undefined);
  if (result === undefined && plan.length === 0) return null;
  const text = result === undefined ? "" : typeof result === "string" ? result : `\`\`\`json\n${JSON.stringify(result, null, 2)}\n\`\`\``;
  return (
    <details className="output" open>
      <summary>{t("result")}</summary>
      {plan.length > 0 && (
        <ol className="plan-list">
          {plan.map((line, place) => (
            <li key={place}>{line}</li>
          ))}
        </ol>
      )}
      {text && <Markdown text={text} />}
    </details>
  );
}
