// Markdown as elements. HTML in it is shown as text, and only links to the web and to mail addresses work.
import { Lexer, type Token, type Tokens } from "marked";
import { type ComponentChildren, h } from "preact";
import { useMemo } from "preact/hooks";

export function Markdown({ text }: { text: string }) {
  const content = useMemo(() => renderMarkdown(text), [text]);
  return (
    <div class="markdown" dir="auto">
      {content}
    </div>
  );
}

export function renderMarkdown(text: string): ComponentChildren {
  try {
    return renderAll(new Lexer({ gfm: true, breaks: true }).lex(text));
  } catch {
    return <p>{text}</p>; // nested too deeply
  }
}

const renderAll = (tokens: readonly Token[] | undefined): ComponentChildren =>
  tokens?.map((token) => RENDERERS[token.type]?.(token as never) ?? token.raw);

const inner = (token: { tokens?: Token[] }) => renderAll(token.tokens);

// The page has headings of its own above these.
const LEVELS_ABOVE = 2;

const RENDERERS: Record<string, (token: never) => ComponentChildren> = {
  space: () => " ",
  def: () => " ",
  hr: () => <hr />,
  br: () => <br />,
  heading: (token: Tokens.Heading) => h(`h${Math.min(token.depth + LEVELS_ABOVE, 6)}`, null, inner(token)),
  paragraph: (token: Tokens.Paragraph) => <p>{inner(token)}</p>,
  html: (token: Tokens.HTML) => (token.block ? <p>{token.raw}</p> : token.raw),
  blockquote: (token: Tokens.Blockquote) => <blockquote>{inner(token)}</blockquote>,
  code: (token: Tokens.Code) => (
    <pre>
      <code>{token.text}</code>
    </pre>
  ),
  list: (token: Tokens.List) =>
    h(token.ordered ? "ol" : "ul", token.ordered ? { start: token.start || 1 } : null, token.items.map(item)),
  table,
  text: (token: Tokens.Text) => (token.tokens ? inner(token) : references(token.text)),
  escape: (token: Tokens.Escape) => token.text,
  codespan: (token: Tokens.Codespan) => <code>{token.text}</code>,
  strong: (token: Tokens.Strong) => <strong>{inner(token)}</strong>,
  em: (token: Tokens.Em) => <em>{inner(token)}</em>,
  del: (token: Tokens.Del) => <del>{inner(token)}</del>,
  link: (token: Tokens.Link) => link(token.href, textOf(token)),
  // Pictures from elsewhere would tell their servers who reads this.
  image: (token: Tokens.Image) => link(token.href, token.text || token.href),
};

function item(token: Tokens.ListItem): ComponentChildren {
  const box = token.task && <input type="checkbox" checked={token.checked} disabled aria-label="Done" />;
  return (
    <li class={token.task ? "todo" : undefined}>
      {box}
      {inner(token)}
    </li>
  );
}

function table(token: Tokens.Table): ComponentChildren {
  const cells = (name: "th" | "td", row: Tokens.TableCell[]) => (
    <tr>{row.map((cell) => h(name, null, inner(cell)))}</tr>
  );
  return (
    <table>
      <thead>{cells("th", token.header)}</thead>
      <tbody>{token.rows.map((row) => cells("td", row))}</tbody>
    </table>
  );
}

// A text within a link is no link itself.
function textOf(token: Tokens.Link): ComponentChildren {
  return token.tokens.map((each) => (each.type === "text" ? each.raw : renderAll([each])));
}

function link(address: string, text: ComponentChildren): ComponentChildren {
  if (!/^(https?|mailto):/i.test(address)) return text;
  return (
    <a href={address} target="_blank" rel="noopener noreferrer nofollow">
      {text}
    </a>
  );
}

const REFERENCE =
  /(?<![\p{L}\p{N}_@./-])(@[a-z0-9][a-z0-9._-]*[a-z0-9]|[A-Z][A-Z0-9]{1,9}-[1-9]\d*)(?![\p{L}\p{N}_-])/gu;

// Marks usernames, and makes links of the keys of tasks.
function references(text: string): ComponentChildren {
  return text.split(REFERENCE).map((part, place) => {
    if (place % 2 === 0) return part;
    const name = part.startsWith("@") ? "b" : "a";
    const props = name === "b" ? { class: "mention" } : { href: `/tasks/${part}` };
    return h(name, props, part);
  });
}
