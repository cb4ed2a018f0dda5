// Judges every query of infra/azure with Microsoft's own parser of the query language, against the columns that Azure Monitor documents.
//
//   node kql.mjs FOLDER_OF_NODE_MODULES
//
// Prints one line a query, with the columns of its answer, and the totals. Fails on whatever the parser has to say, on a query that does
// not begin with what it shows, on a table of tables.json that no query asks, and where the parser would pass what is not there.

import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const infra = join(here, "..", "..", "..", "infra", "azure");
const read = (...path) => readFileSync(join(...path), "utf8");

const { Language } = loaded(resolve(process.argv[2]));
const { tables } = JSON.parse(read(here, "tables.json"));
const wrong = ["AppTraces | where Nothing == 1", "Nothing", "AppTraces | where Message =="];
const globals = workspace();

const app = join(infra, "app", "queries");
const common = read(app, "invocations.kql") + read(app, "sweeps.kql");
const withCalls = common + read(app, "calls.kql");
const verdicts = [
  ...judged(join(app, "alerts"), common),
  ...judged(join(app, "workbook"), withCalls),
  ...judged(join(infra, "platform", "queries"), ""),
];
report();

/** The parser is a .NET library made into scripts, which leave themselves in the global scope. */
function loaded(modules) {
  const require = createRequire(join(modules, "package.json"));
  require("@kusto/language-service-next/bridge.js");
  require("@kusto/language-service-next/Kusto.Language.Bridge.js");
  return globalThis.Kusto;
}

function workspace() {
  const { DatabaseSymbol, TableSymbol } = Language.Symbols;
  const listed = (columns) => Object.entries(columns).map((column) => column.join(": ")).join(", ");
  const symbols = Object.entries(tables).map(([name, columns]) => TableSymbol.From(`(${listed(columns)})`).WithName(name));
  return Language.GlobalState.Default.WithDatabase(new DatabaseSymbol.$ctor1("workspace", symbols));
}

function judged(folder, prelude) {
  const files = readdirSync(folder).filter((file) => file.endsWith(".kql")).sort();
  return files.map((file) => {
    const own = read(folder, file);
    const { faults, columns } = parsed(prelude + own);
    if (!own.startsWith("// ")) faults.push("the first line does not say what it shows");
    return { name: relative(infra, join(folder, file)), columns, faults, text: prelude + own };
  });
}

function parsed(text) {
  const code = Language.KustoCode.ParseAndAnalyze(text, globals);
  const faults = items(code.GetDiagnostics()).map((fault) => `${where(text, fault.Start)}: ${fault.Severity}: ${fault.Message}`);
  return { faults, columns: items(code.ResultType?.Columns).map((column) => column.Name) };
}

/** What a .NET list holds. */
function items(list) {
  return Array.from({ length: list?.Count ?? 0 }, (_, at) => list.getItem(at));
}

function where(text, start) {
  const lines = text.slice(0, start).split("\n");
  return `line ${lines.length}, column ${lines.at(-1).length + 1}`;
}

function report() {
  let failed = 0;
  for (const { name, columns, faults } of verdicts) {
    failed += faults.length === 0 ? 0 : 1;
    console.log(`${faults.length === 0 ? "ok  " : "FAIL"}  ${name}: ${columns.join(", ")}`);
    faults.forEach((line) => console.log(`        ${line}`));
  }
  const idle = Object.keys(tables).filter((table) => !verdicts.some(({ text }) => text.includes(table)));
  const lax = wrong.filter((query) => parsed(query).faults.length === 0);
  const alarms = [...idle.map((table) => `tables.json describes what no query asks: ${table}`), ...lax.map((query) => `passed: ${query}`)];
  alarms.forEach((line) => console.log(`FAIL  ${line}`));
  failed += alarms.length;
  console.log(`${verdicts.length + alarms.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
