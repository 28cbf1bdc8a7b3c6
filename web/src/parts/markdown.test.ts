import assert from "node:assert/strict";
import { test } from "node:test";
import type { ComponentChildren, VNode } from "preact";
import { renderMarkdown } from "./markdown";

// Writes elements as text, with brackets that no HTML has.
function write(node: ComponentChildren): string {
  if (Array.isArray(node)) return node.map(write).join("");
  if (node === null || node === undefined || typeof node === "boolean") return "";
  if (typeof node !== "object") return String(node);
  const { type, props } = node as VNode<Record<string, ComponentChildren>>;
  const href = props.href ? ` ${props.href}` : "";
  return `[${String(type)}${href}|${write(props.children)}]`;
}

const rendered = (text: string) => write(renderMarkdown(text));

test("paragraphs, emphasis, code and lists become elements", () => {
  assert.equal(rendered("a **b** *c* `d & <e>`"), "[p|a [strong|b] [em|c] [code|d & <e>]]");
  assert.equal(rendered("- a\n- b"), "[ul|[li|a][li|b]]");
  assert.equal(rendered("one\ntwo"), "[p|one[br|]two]");
  assert.equal(rendered("# Big"), "[h3|Big]");
});

test("HTML is text", () => {
  assert.equal(rendered("<img src=x onerror=alert(1)>"), "[p|<img src=x onerror=alert(1)>]");
  assert.equal(rendered("a <b>c</b> & d"), "[p|a <b>c</b> & d]");
});

test("only addresses of the web and of mail are links", () => {
  assert.equal(rendered("[a](https://example.org/?b=1&c=2)"), "[p|[a https://example.org/?b=1&c=2|a]]");
  assert.equal(rendered("[a](mailto:ada@example.org)"), "[p|[a mailto:ada@example.org|a]]");
  for (const address of [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "//evil",
    "/tasks",
  ])
    assert.equal(rendered(`[a](${address})`), "[p|a]");
  assert.equal(rendered("![a](javascript:alert(1))"), "[p|a]");
});

test("a plain address is a link with its own text", () => {
  const address = "https://example.org/?b=1&c=2";
  assert.equal(rendered(`see ${address}`), `[p|see [a ${address}|${address}]]`);
});

test("usernames are marked, and keys of tasks are links", () => {
  assert.equal(rendered("@ada see OPS-12."), "[p|[b|@ada] see [a /tasks/OPS-12|OPS-12].]");
  assert.equal(rendered("ada@example and UTF-8-BOM"), "[p|ada@example and UTF-8-BOM]");
  assert.equal(rendered("`OPS-12` [OPS-12](https://a.org)"), "[p|[code|OPS-12] [a https://a.org|OPS-12]]");
});

test("what is nested too deeply is shown as it is", () => {
  assert.ok(rendered(`${">".repeat(20_000)} deep`).includes("deep"));
});
