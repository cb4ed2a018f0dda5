// Judges recorded exchanges by Microsoft's specifications, with the validator that Microsoft uses for its own services (oav).
//
//   node check.mjs FOLDER_OF_EXCHANGES FOLDER_OF_NODE_MODULES
//
// Prints one line an operation and the totals. Fails on a difference that allowed.json does not explain, on an entry there that explains
// nothing, on an exchange that fits no operation, and on an operation of the specifications that no exchange used.

import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [exchanges, modules] = process.argv.slice(2).map((path) => resolve(path));
const here = dirname(fileURLToPath(import.meta.url));
const swagger = join(here, "swagger", "specification");
const read = (path) => JSON.parse(readFileSync(path, "utf8"));

const operations = new Map(specified().map((operation) => [operation, { exchanges: 0, explained: 0, differences: [] }]));
const unplaced = [];
const allowed = read(join(here, "allowed.json")).map((entry) => ({ ...entry, used: false }));

const validator = await started();
for (const file of readdirSync(exchanges).sort()) {
  await judge(file, read(join(exchanges, file)));
}
report();

/** Every operation of the specifications, as `version operationId`. */
function specified() {
  const files = readdirSync(swagger, { recursive: true }).filter((path) => path.endsWith(".json"));
  return files.flatMap((path) => {
    const { info, paths } = read(join(swagger, path));
    const methods = Object.values(paths).flatMap((path) => Object.values(path));
    return methods.map((method) => `${info.version} ${method.operationId}`);
  });
}

async function started() {
  const { LiveValidator } = createRequire(join(modules, "package.json"))("oav/dist/lib/liveValidation/liveValidator.js");
  const quiet = () => {};
  const options = {
    directory: swagger,
    swaggerPathsPattern: ["**/{resource-manager,data-plane}/**/*.json"],
    excludedSwaggerPathsPattern: ["**/common-types.json"],
    loadValidatorInBackground: false,
    git: { shouldClone: false },
  };
  const validator = new LiveValidator(options, quiet);
  await validator.initialize();
  return validator;
}

/** What a specification can only say in another way than the wire does. */
function asSpecified({ liveRequest, liveResponse }) {
  const url = new URL(liveRequest.url);
  // The scope of the whole tenant is empty, and in swagger it leaves its slash behind.
  if (/^\/providers\/Microsoft\.Authorization\/role(Assignments|Definitions)/.test(url.pathname)) url.pathname = `/${url.pathname}`;
  // The service tells the caller's permissions at every scope, the specification of those at resource groups and resources only.
  const permissions = "/providers/Microsoft.Authorization/permissions";
  if (url.pathname.endsWith(permissions)) url.pathname = `/subscriptions/any/resourcegroups/any${permissions}`;
  // "The version of the secret. This URI fragment is optional": in swagger a part of a path never is.
  if (liveRequest.method === "GET" && url.host.endsWith(".vault.azure.net")) {
    url.pathname = url.pathname.replace(/^\/secrets\/([^/]+)\/?$/, "/secrets/$1/newest");
  }
  return { liveRequest: { ...liveRequest, url: url.href }, liveResponse };
}

async function judge(file, exchange) {
  const { requestValidationResult: request, responseValidationResult: response, runtimeException } =
    await validator.validateLiveRequestResponse(asSpecified(exchange));
  const { apiVersion, operationId } = request.operationInfo ?? {};
  const tally = operations.get(`${apiVersion} ${operationId}`);
  const broken = runtimeException ?? request.runtimeException ?? response.runtimeException;
  if (tally === undefined || broken !== undefined) {
    unplaced.push(`${file}: ${broken?.code ?? ""} ${broken?.message ?? `no operation ${apiVersion} ${operationId}`}`);
    return;
  }
  tally.exchanges += 1;
  const { statusCode } = exchange.liveResponse;
  const differences = [...request.errors.map((error) => ["request", error]), ...response.errors.map((error) => [statusCode, error])];
  for (const [where, error] of differences) {
    const difference = { operation: operationId, where, code: error.code, at: error.pathsInPayload?.[0] ?? "" };
    const entry = allowed.find((entry) => ["operation", "where", "code", "at"].every((key) => entry[key] === difference[key]));
    if (entry) {
      entry.used = true;
      tally.explained += 1;
    } else {
      tally.differences.push(`${file}: ${where} ${error.code} at "${difference.at}": ${error.message}`);
    }
  }
}

function report() {
  let failed = 0;
  for (const [operation, { exchanges, explained, differences }] of operations) {
    const wrong = exchanges === 0 ? ["no exchange used it"] : [...new Set(differences)];
    failed += wrong.length === 0 ? 0 : 1;
    const excused = explained === 0 ? "" : `, ${explained} differences explained`;
    console.log(`${wrong.length === 0 ? "ok  " : "FAIL"}  ${operation}: ${exchanges} exchanges${excused}`);
    wrong.forEach((line) => console.log(`        ${line}`));
  }
  const idle = allowed.filter((entry) => !entry.used).map((entry) => `allowed.json explains what does not happen: ${JSON.stringify(entry)}`);
  [...unplaced, ...idle].forEach((line) => console.log(`FAIL  ${line}`));
  failed += unplaced.length + idle.length;
  console.log(`${operations.size + unplaced.length + idle.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
