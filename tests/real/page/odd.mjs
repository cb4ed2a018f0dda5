// What is out of the ordinary: names that mean harm, a saved page, no scripts, an empty tenant.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { serve, tab, violations, written } from "./browser.mjs";
import { browser, check, closing, firsts, opened, picture, quiet, status } from "./judging.mjs";
import { EVIL, LONG, estate, hostile } from "./reports.mjs";

export const harm = async () => {
  for (const options of [{}, { width: 360, height: 780, scheme: "dark" }]) {
    const made = await opened(written(hostile()), options);
    const where = options.width ? "a phone" : "a desk";
    await picture(made.page, options.width ? "hostile-phone" : "hostile", { fullPage: true });
    await check(`names with markup are names, on ${where}`, async () => {
      const found = await made.page.evaluate(() => {
        const { images, scripts, styleSheets } = document;
        return { hit: window.hit ?? 0, elements: [images, scripts, styleSheets].map(({ length }) => length) };
      });
      deepEqual(found, { hit: 0, elements: [0, 2, 1] });
      const names = await firsts(made.page, 6);
      ok(names.includes(EVIL) && names.includes(LONG) && names.includes("safe\ufffdgnp.exe\ufffd\ufffd\ufffdend"), JSON.stringify(names));
      ok((await made.page.$eval(".notes li", (note) => note.textContent)) === EVIL);
      quiet(made);
    });
    await check(`axe finds nothing in them, on ${where}`, async () => deepEqual(await violations(made.page), []));
    await made.page.close();
  }
};

export const elsewhere = async () => {
  const folder = mkdtempSync(join(tmpdir(), "page-"));
  closing.push(() => rmSync(folder, { recursive: true }));
  await check("a saved page opens years later, and says how old it is", async () => {
    const file = join(folder, "coverage.html");
    writeFileSync(file, written(estate(50, 60 * 24 * 800)).html);
    const { page, noted } = await tab(browser);
    await page.goto(`file://${file}`);
    equal(await status(page), "50 subscriptions");
    match(await page.$eval(".read", (read) => read.textContent), /UTC, 800 days ago$/);
    ok(await page.$eval("#stale", (stale) => stale.checkVisibility()));
    deepEqual(noted, { requests: [], complaints: [] });
    await page.close();
  });
  await check("without scripts there are the totals, and where the rest is", async () => {
    const server = await serve(written(estate(50)));
    closing.push(server.close);
    const { page } = await tab(browser);
    await page.setJavaScriptEnabled(false);
    await page.goto(server.url);
    const text = await page.$eval("main", (main) => main.innerText);
    const parts = [/covered: \d+ of the \d+ subscriptions/, /Failed/, /--output json/, /7 subscriptions under Corp/];
    for (const part of parts) match(text, part);
    ok(!/Connections in ISPM/.test(text));
    await page.close();
  });
  await check("an empty tenant has a page", async () => {
    const made = await opened(written({ ...estate(0), connections: [], orphans: [], notes: [] }));
    match(await made.page.$eval("main", (main) => main.innerText), /^No subscription should be covered/);
    quiet(made);
    deepEqual(await violations(made.page), []);
    await made.page.close();
  });
};
