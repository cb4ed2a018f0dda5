// How the page looks and sounds: light and dark, on a desk, on a phone, on paper, to a screen reader.

import { deepEqual, equal, ok } from "node:assert/strict";

import { violations, written } from "./browser.mjs";
import { check, opened, picture } from "./judging.mjs";
import { estate, hostile } from "./reports.mjs";

const PHONE = { width: 360, height: 780 };
const WAYS = { light: {}, dark: { scheme: "dark" }, phone: PHONE, "phone-dark": { ...PHONE, scheme: "dark" } };

export const looks = async () => {
  const page = written(estate(5000));
  for (const [name, options] of Object.entries(WAYS)) {
    const made = await opened(page, options);
    await picture(made.page, name);
    await made.page.evaluate(() => document.getElementById("scopes").scrollIntoView());
    await picture(made.page, `${name}-rows`);
    await check(`axe finds nothing: ${name}`, async () => deepEqual(await violations(made.page), []));
    await made.page.close();
  }
  await check("dark is dark, light is light", async () => {
    const grounds = [];
    for (const scheme of ["light", "dark"]) {
      const made = await opened(page, { scheme });
      grounds.push(await made.page.evaluate(() => getComputedStyle(document.body).backgroundColor));
      await made.page.close();
    }
    deepEqual(grounds, ["rgb(250, 250, 248)", "rgb(20, 21, 23)"]);
  });
  await check("nothing moves for those who asked for that", async () => {
    const made = await opened(page, { motion: "reduce" });
    equal(await made.page.$eval("#scopes button", (button) => getComputedStyle(button).transitionDuration), "0s");
    await made.page.close();
  });
  await check("on paper there are rows and no tools", async () => {
    const made = await opened(page);
    await made.page.emulateMediaType("print");
    const shown = (name) => made.page.$eval(name, (part) => getComputedStyle(part).display);
    deepEqual([await shown(".tools"), await shown(".foot nav"), await shown("#scopes table")], ["none", "none", "table"]);
    await made.page.close();
  });
  await widths(page, "an estate");
  await widths(written(hostile()), "names of 500 letters");
};

const widths = async (page, what) => {
  for (const width of [320, 360, 768, 961, 1280, 1920]) {
    const made = await opened(page, { width });
    await check(`${what} at ${width} pixels: no scrolling sideways`, async () => {
      const [whole, seen] = await made.page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      ok(whole <= seen && seen <= width, `${whole} of ${seen}`);
    });
    await made.page.close();
  }
};

export const heard = async () => {
  const made = await opened(written(estate(40)), PHONE);
  await check("a screen reader hears tables with heads, rows and cells, on a phone too", async () => {
    const counts = {};
    const count = (node) => { counts[node.role] = (counts[node.role] ?? 0) + 1; (node.children ?? []).forEach(count); };
    count(await made.page.accessibility.snapshot({ interestingOnly: false }));
    deepEqual([counts.table, counts.columnheader, counts.rowheader, counts.row, counts.cell], [3, 15, 46, 49, 40 * 6 + 4 * 3 + 2 * 3]);
  });
  await check("what lies side by side on a phone says what it is", async () => {
    const labels = await made.page.$$eval("#scopes tbody tr:first-child td", (cells) => cells.map((cell) => cell.dataset.label));
    deepEqual(labels, ["Verdict", "Why", "Role", "Connection", "Group", "Last change"]);
  });
  await made.page.close();
};
