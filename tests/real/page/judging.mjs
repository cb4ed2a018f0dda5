// What the checks share: the browser, its pages, and how a check is told.

import { deepEqual } from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { launch, serve, tab } from "./browser.mjs";

const { PICTURES } = process.env;
if (PICTURES) mkdirSync(PICTURES, { recursive: true });

export const browser = await launch();
/** What is to be done at the end, the last first. */
export const closing = [() => browser.close()];
export const sums = { passed: 0, failed: 0 };

/** A check passes when its block ends without an exception; what it returns is a figure to be told. */
export const check = async (name, act) => {
  try {
    const figure = await act();
    sums.passed += 1;
    console.log(`ok   ${name}${figure ? `: ${figure}` : ""}`);
  } catch (error) {
    sums.failed += 1;
    console.log(`FAIL ${name}: ${String(error.message).replace(/\s+/g, " ").slice(0, 600)}`);
  }
};

/** A written page, served and opened in a tab of its own. */
export const opened = async (page, options) => {
  const server = await serve(page);
  closing.push(server.close);
  const made = await tab(browser, options);
  await made.page.goto(server.url);
  return { ...made, server };
};

/** Nothing was asked for but the page, and the browser had nothing to complain about. */
export const quiet = ({ noted, server }) => {
  deepEqual(noted, { requests: [], complaints: [] });
  deepEqual(server.asked, ["/"]);
};

export const status = (page) => page.$eval("#scopes [role=status]", (made) => made.textContent);

/** The names in the first rows. */
export const firsts = (page, count = 3) =>
  page.$$eval("#scopes tbody th", (cells, most) => cells.slice(0, most).map((cell) => cell.firstChild.textContent), count);

export const picture = async (page, name, options = {}) => {
  if (PICTURES) await page.screenshot({ path: join(PICTURES, `page-${name}.png`), ...options });
};
