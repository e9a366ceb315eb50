// Code with its language, a way to copy it, and colours once it is whole.

import type { Element, Root, RootContent } from "hast";
import { Fragment, memo, useEffect, useState, type ReactNode } from "react";
import { t } from "../i18n";
import { IconButton } from "../ui/controls";

type Colour = (code: string, language: string) => Root | undefined;

let colour: Colour | undefined;
let loading: Promise<Colour> | undefined;

function loadColour(): Promise<Colour> {
  loading ??= import("./highlight").then((module) => (colour = module.colour));
  return loading;
}

/** Longer code is shown plain: colouring it would hold up everything else. */
const LIMIT = 40_000;

export const CodeBlock = memo(function CodeBlock({ code, language, open }: { code: string; language: string; open: boolean }) {
  const name = /^[\w#+.-]*/.exec(language)?.[0] ?? "";
  const wanted = !open && name !== "" && code.length < LIMIT;
  const tree = useColours(code, name, wanted);
  return (
    <figure className="code">
      <figcaption>
        <span>{name || "text"}</span>
        <CopyButton text={code} />
      </figcaption>
      <pre tabIndex={0} aria-label={name || "text"}>
        <code>{tree ? nodes(tree.children) : code}</code>
      </pre>
    </figure>
  );
});

function useColours(code: string, language: string, wanted: boolean): Root | undefined {
  const [tree, setTree] = useState<{ code: string; root: Root | undefined }>();
  useEffect(() => {
    if (!wanted || tree?.code === code) return undefined;
    let gone = false;
    // When there is time: a long block takes some milliseconds.
    const idle = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 1));
    void (colour ? Promise.resolve(colour) : loadColour()).then((paint) =>
      idle(() => !gone && setTree({ code, root: paint(code, language) })),
    );
    return () => {
      gone = true;
    };
  }, [code, language, wanted, tree]);
  return tree?.code === code ? tree.root : undefined;
}

function nodes(children: RootContent[] | Element["children"]): ReactNode {
  return children.map((node, place) => {
    if (node.type === "text") return <Fragment key={place}>{node.value}</Fragment>;
    if (node.type !== "element") return null;
    const classes = node.properties.className;
    return (
      <span key={place} className={Array.isArray(classes) ? classes.join(" ") : undefined}>
        {nodes(node.children)}
      </span>
    );
  });
}

export function CopyButton({ text, label = t("copy") }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const timer = setTimeout(() => setDone(false), 1_500);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <IconButton
      icon={done ? "check" : "copy"}
      label={done ? t("copied") : label}
      size={16}
      onClick={() => void navigator.clipboard.writeText(text).then(() => setDone(true), () => {})}
    />
  );
}
