import assert from "node:assert/strict";
import { test } from "node:test";
import { browserText } from "./browser";

test("a browser is called by its name and its system", () => {
  const webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
  const edge = `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/130.0 Safari/537.36 Edg/130.0`;

  assert.equal(browserText(edge), "Edge on Windows");
  assert.equal(browserText(`Mozilla/5.0 (Linux; Android 15) ${webkit} Chrome/130.0`), "Chrome on Android");
  assert.equal(browserText("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Firefox/130.0"), "Firefox on Linux");
  assert.equal(browserText(""), "Unknown browser");
});
