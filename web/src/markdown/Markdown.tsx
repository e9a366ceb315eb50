// Tokens → elements. Nothing is ever written as HTML, so there is nothing to sanitise but addresses.

import type { Token, Tokens } from "marked";
import { Fragment, memo, useRef, type ReactNode } from "react";
import { CodeBlock } from "./CodeBlock";
import { Formula } from "./Formula";
import { decoded, grow, safeLink, type Parsed } from "./parse";

/** `growing`: the end of the text may still change. */
export const Markdown = memo(function Markdown({ text, growing = false }: { text: string; growing?: boolean }) {
  const before = useRef<Parsed | undefined>(undefined);
  before.current = grow(before.current, text);
  const { blocks } = before.current;
  return (
    <div className="markdown">
      {blocks.map((block, place) => (
        <Piece key={place} raw={block.raw} token={block.token} open={growing && place >= blocks.length - 2} />
      ))}
    </div>
  );
});

const Piece = memo(
  function Piece({ token, open }: { raw: string; token: Token; open: boolean }) {
    return <>{block(token, open)}</>;
  },
  (before, after) => before.raw === after.raw && before.open === after.open,
);

function block(token: Token, open: boolean): ReactNode {
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "heading":
      return heading(token as Tokens.Heading);
    case "paragraph":
      return <p>{inline(token.tokens)}</p>;
    case "code":
      return <CodeBlock code={(token as Tokens.Code).text} language={(token as Tokens.Code).lang ?? ""} open={open} />;
    case "blockquote":
      return <blockquote>{(token.tokens ?? []).map((each, place) => <Fragment key={place}>{block(each, open)}</Fragment>)}</blockquote>;
    case "list":
      return list(token as Tokens.List, open);
    case "table":
      return table(token as Tokens.Table);
    case "hr":
      return <hr />;
    case "math":
      return <Formula text={(token as Tokens.Generic).text} display={(token as Tokens.Generic).display} open={open} />;
    case "html":
      return <p className="verbatim">{(token as Tokens.HTML).raw.trimEnd()}</p>;
    default:
      return "tokens" in token && token.tokens ? <>{inline(token.tokens)}</> : decoded((token as Tokens.Text).text ?? token.raw);
  }
}

function heading(token: Tokens.Heading): ReactNode {
  // The page has headings of its own above these.
  const level = Math.min(token.depth + 2, 6);
  const Tag = `h${level}` as "h3";
  return <Tag className={`heading-${token.depth}`}>{inline(token.tokens)}</Tag>;
}

function list(token: Tokens.List, open: boolean): ReactNode {
  const items = token.items.map((item, place) => (
    <li key={place} className={item.task ? "task-item" : undefined}>
      {item.task && <input type="checkbox" checked={item.checked === true} readOnly disabled aria-label={item.checked ? "done" : "open"} />}
      {item.tokens.filter((each) => each.type !== "checkbox").map((each, index) => <Fragment key={index}>{block(each, open)}</Fragment>)}
    </li>
  ));
  return token.ordered ? <ol start={Number(token.start) || 1}>{items}</ol> : <ul>{items}</ul>;
}

function table(token: Tokens.Table): ReactNode {
  const align = (place: number) => ({ textAlign: token.align[place] ?? undefined });
  return (
    <div className="table" tabIndex={0} role="region" aria-label="table">
      <table>
        <thead>
          <tr>{token.header.map((cell, place) => <th key={place} scope="col" style={align(place)}>{inline(cell.tokens)}</th>)}</tr>
        </thead>
        <tbody>
          {token.rows.map((row, index) => (
            <tr key={index}>{row.map((cell, place) => <td key={place} style={align(place)}>{inline(cell.tokens)}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inline(tokens: Token[] | undefined): ReactNode {
  return (tokens ?? []).map((token, place) => <Fragment key={place}>{span(token)}</Fragment>);
}

function span(token: Token): ReactNode {
  switch (token.type) {
    case "strong":
      return <strong>{inline(token.tokens)}</strong>;
    case "em":
      return <em>{inline(token.tokens)}</em>;
    case "del":
      return <del>{inline(token.tokens)}</del>;
    case "codespan":
      return <code>{decoded((token as Tokens.Codespan).text)}</code>;
    case "br":
      return <br />;
    case "link":
      return link((token as Tokens.Link).href, inline(token.tokens));
    case "image":
      // A picture of somebody else's would tell them who reads this: it is shown as the link it is.
      return link((token as Tokens.Image).href, <>🖼 {decoded((token as Tokens.Image).text || (token as Tokens.Image).href)}</>);
    case "math":
      return <Formula text={(token as Tokens.Generic).text} display={(token as Tokens.Generic).display} open={false} />;
    case "html":
      return (token as Tokens.HTML).raw;
    case "escape":
      return (token as Tokens.Escape).text;
    default:
      return "tokens" in token && token.tokens ? inline(token.tokens) : decoded((token as Tokens.Text).text ?? token.raw);
  }
}

function link(href: string, children: ReactNode): ReactNode {
  const safe = safeLink(decoded(href));
  if (!safe) return <span className="dead-link" title={href}>{children}</span>;
  return <a href={safe} target="_blank" rel="noopener noreferrer nofollow">{children}</a>;
}
