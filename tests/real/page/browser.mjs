// A Chromium without a window, and a server that gives it one page and nothing else.

import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const { MODULES, PAGE, CHROMIUM, CHROMIUM_LIBRARIES } = process.env;
const required = createRequire(join(MODULES, "package.json"));
const puppeteer = required("puppeteer-core");
const { source: axe } = required("axe-core");

/** The page of a report, as the example writes it: headers and html. */
export const written = (report) => {
  const done = spawnSync(PAGE, { input: JSON.stringify(report), maxBuffer: 1 << 28, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`coverage-page: ${done.stderr || done.error}`);
  return JSON.parse(done.stdout);
};

/** Serves one page at `/`; `asked` lists the paths that were asked for. */
export const serve = async ({ headers, html }) => {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(request.url === "/" ? 200 : 404, headers).end(request.url === "/" ? html : "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, asked, close: () => server.close() };
};

export const launch = () =>
  puppeteer.launch({
    executablePath: CHROMIUM,
    env: { ...process.env, LD_LIBRARY_PATH: CHROMIUM_LIBRARIES },
    // Its sandbox needs rights that root in a container does not have; it sees no page but ours.
    args: ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"],
  });

/** A tab that notes what it asks for beyond its document, and whatever the browser has to complain about. */
export const tab = async (browser, { width = 1440, height = 900, scheme = "light", motion = "no-preference" } = {}) => {
  const page = await browser.newPage();
  const noted = { requests: [], complaints: [] };
  await page.setViewport({ width, height, isMobile: width < 600, hasTouch: width < 600 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: motion }]);
  page.on("request", (request) => { if (!request.isNavigationRequest()) noted.requests.push(request.url()); });
  page.on("console", (message) => noted.complaints.push(message.text()));
  page.on("pageerror", (error) => noted.complaints.push(String(error)));
  return { page, noted };
};

/** What axe finds by all of its rules, best practices included; and what it could not decide of contrast. */
export const violations = async (page) => {
  // Through the protocol, since the page's policy takes no script but its own.
  await page.evaluate(axe);
  // What lies beneath a bar that sticks to the window has no contrast that could be told.
  await page.evaluate(() => { for (const bar of document.querySelectorAll(".foot, thead th")) bar.style.position = "static"; });
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations", "incomplete"] }));
  const undecided = found.incomplete.filter(({ id }) => id === "color-contrast");
  const places = (nodes) => nodes.slice(0, 3).map(({ html }) => html.slice(0, 120)).join(" | ");
  return [...found.violations, ...undecided].map(({ id, nodes }) => `${id}: ${places(nodes)}`);
};
