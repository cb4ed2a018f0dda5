// Runs every check. Started by run.py.

import { browser, closing, sums } from "./judging.mjs";
import { heard, looks } from "./looks.mjs";
import { elsewhere, harm } from "./odd.mjs";
import { huge, large } from "./use.mjs";

try {
  console.log(await browser.version());
  for (const judge of [large, huge, looks, heard, harm, elsewhere]) await judge();
} finally {
  for (const close of closing.reverse()) await close();
}
console.log(`${sums.passed} passed, ${sums.failed} failed`);
process.exitCode = sums.failed === 0 ? 0 : 1;
