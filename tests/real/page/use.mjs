// How the page is used: by hand and by keys, at 5,000 subscriptions and at 50,000.

import { deepEqual, equal, match, ok } from "node:assert/strict";

import { written } from "./browser.mjs";
import { check, firsts, opened, quiet, status } from "./judging.mjs";
import { estate } from "./reports.mjs";

/**
 * Milliseconds from a letter or a tick to rows that are laid out, over what a person may look for. By the clock, as that person waits; and
 * of the processor, by which it is judged: what else a machine does meanwhile is not the page's.
 */
const filtering = async (page) => {
  const protocol = await page.createCDPSession();
  await protocol.send("Performance.enable", { timeDomain: "threadTicks" });
  const spent = async () => (await protocol.send("Performance.getMetrics")).metrics.find(({ name }) => name === "ThreadTime").value * 1000;
  const timed = (what, given) => page.evaluate((kind, value) => {
    const text = document.getElementById("text");
    const start = performance.now();
    if (kind === "type") {
      text.value = value;
      text.dispatchEvent(new Event("input"));
    } else {
      document.querySelector(`#verdicts input[value=${value}]`).click();
    }
    document.body.getBoundingClientRect();
    return performance.now() - start;
  }, what, given);
  const typed = ["s", "sa", "sal", "sales prod", "5b", "corp", "missing-permissions", "reader is", "no such thing", "0042", "a e i", ""];
  const ticked = ["failed", "missing", "pending", "excluded", "covered"];
  const acts = [...typed.map((words) => ["type", words]), ...[...ticked, ...ticked].map((verdict) => ["tick", verdict])];
  const clock = [];
  const processor = [];
  for (const act of acts) {
    const before = await spent();
    clock.push(await timed(...act));
    processor.push(await spent() - before);
  }
  clock.sort((a, b) => a - b);
  const worst = Math.max(...processor);
  const [median, longest] = [clock[clock.length >> 1], clock.at(-1)].map((time) => time.toFixed(0));
  const told = `${worst.toFixed(0)} ms of the processor at worst; by the clock ${median} ms, at worst ${longest} ms`;
  return { worst, told };
};

export const large = async () => {
  const page = written(estate(5000));
  const made = await opened(page);
  await check("5,000 subscriptions open, in silence, with nothing else asked for", async () => {
    equal(await status(made.page), "1–100 of 5,000 subscriptions");
    quiet(made);
  });
  await check("the headers are those of a page that may do nothing but show itself", () => {
    const policy = page.headers["content-security-policy"];
    match(policy, /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; .*frame-ancestors 'none'$/);
    equal(page.headers["cache-control"], "no-store");
    equal(page.headers["x-content-type-options"], "nosniff");
  });
  await check("filtering 5,000 subscriptions takes less than 100 ms", async () => {
    const { worst, told } = await filtering(made.page);
    ok(worst < 100, told);
    return told;
  });
  await made.page.close();
  await keys(page);
  await refusing(page);
};

const keys = async (whole) => {
  const made = await opened(whole);
  const { page } = made;
  const press = async (key, times = 1) => { for (let at = 0; at < times; at += 1) await page.keyboard.press(key); };
  const focused = () => page.evaluate(() => {
    const made = document.activeElement;
    const shown = made.type === "checkbox" ? made.parentElement : made;
    return { name: (shown.labels?.[0] ?? shown).textContent.trim(), ring: getComputedStyle(shown).outlineStyle };
  });
  await check("the worst come first", async () => equal(await page.$eval("#scopes tbody .mark", (mark) => mark.className), "mark failed"));
  await check("Tab reaches everything, in reading order, and shows where it is", async () => {
    const names = [];
    for (let at = 0; at < 15; at += 1) {
      await press("Tab");
      const { name, ring } = await focused();
      equal(ring, "solid", name);
      names.push(name.replace(/ [\d,]+$/, ""));
    }
    const heads = ["Subscription", "Verdict", "Why", "Role", "Connection", "Group", "Last change (UTC)"];
    deepEqual(names, ["Name, id, group or reason", "Failed", "Missing", "Pending", "Excluded", "Covered", ...heads, "Back", "Next"]);
  });
  await check("Enter turns the page, and the words say so", async () => {
    await press("Enter");
    equal(await status(page), "101–200 of 5,000 subscriptions");
  });
  await check("Enter on a head sorts by it, and again turns it round", async () => {
    const sorted = () => page.$$eval("#scopes thead th", (heads) => heads.map((head) => head.getAttribute("aria-sort")));
    deepEqual(await sorted(), [null, "ascending", null, null, null, null, null]);
    await page.focus("#scopes thead th:nth-child(1) button");
    await press("Enter");
    deepEqual(await sorted(), ["ascending", null, null, null, null, null, null]);
    deepEqual(await firsts(page), ["Archive dev 0009", "Archive dev 0039", "Archive dev 0069"]);
    await press("Enter");
    deepEqual(await sorted(), ["descending", null, null, null, null, null, null]);
    equal((await firsts(page))[0], "Storefront test 4987");
  });
  await check("letters and ticks filter, together; the counts follow the letters", async () => {
    await page.focus("#text");
    await page.keyboard.type("sales landing");
    const first = await status(page);
    await press("Tab");
    const { name } = await focused();
    await press("Space");
    match(name, /^Failed \d+$/);
    const failed = name.split(" ")[1];
    match(first, /^1–100 of 500 subscriptions, out of 5,000$/);
    equal(await status(page), `${failed} subscriptions, out of 5,000`);
    deepEqual(new Set(await page.$$eval("#scopes tbody .mark", (marks) => marks.map((mark) => mark.textContent))), new Set(["Failed"]));
  });
  await check("all comes back at once", async () => {
    await page.click("#clear");
    equal(await status(page), "1–100 of 5,000 subscriptions");
    equal(await page.$eval("#text", (text) => text.value), "");
    quiet(made);
  });
  await page.close();
};

const refusing = async (whole) => {
  const { page } = await opened(whole);
  await check("the policy refuses scripts, styles and requests that are not the page's own", async () => {
    const refused = await page.evaluate(async () => {
      const tried = {};
      const attempt = async (name, act) => { try { await act(); tried[name] = "done"; } catch (error) { tried[name] = error.name; } };
      await attempt("markup", () => { document.body.innerHTML = "<p>"; });
      await attempt("script", () => { document.createElement("script").text = "1"; });
      await attempt("fetch", () => fetch("/other"));
      const style = document.createElement("style");
      style.textContent = "body { display: none }";
      document.head.append(style);
      return { ...tried, body: getComputedStyle(document.body).display };
    });
    deepEqual(refused, { markup: "TypeError", script: "TypeError", fetch: "TypeError", body: "block" });
  });
  await page.close();
};

export const huge = async () => {
  await check("50,000 subscriptions open, and can be filtered", async () => {
    const page = written(estate(50000));
    const started = performance.now();
    const made = await opened(page);
    equal(await status(made.page), "1–100 of 50,000 subscriptions");
    const ready = performance.now() - started;
    const { worst, told } = await filtering(made.page);
    ok(ready < 10000 && worst < 500, `${ready} ms to open; filter: ${told}`);
    await made.page.close();
    return `${(page.html.length / 1e6).toFixed(1)} MB, open after ${Math.round(ready)} ms; filter: ${told}`;
  });
};
