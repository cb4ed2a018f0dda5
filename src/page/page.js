"use strict";
const report = JSON.parse(document.getElementById("data").textContent);
const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const number = (count) => count.toLocaleString("en");
// Text that is longer is cut by its lines, with the whole of it a pointer's rest away.
const MOST = 80;
const VERDICTS = ["failed", "missing", "pending", "excluded", "covered"];

// All text of the report comes into the document here, as text.
const make = (name, className, ...content) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content);
  return made;
};
const button = (words, act) => {
  const made = make("button", "", words);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
};
const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1).replaceAll("-", " ");
const when = (minutes) => (minutes === null ? "" : new Date(minutes * 60000).toISOString().slice(0, 16).replace("T", " "));
const long = (text) => {
  const made = make("bdi", text.length > MOST ? "long" : "", text);
  if (text.length > MOST) made.title = text;
  return made;
};

// What a column sorts by, and what its cell holds.
const plain = (key) => ({ by: (row) => row[key], cell: (row) => (row[key] ? [long(row[key])] : []) });
const time = (key) => ({ by: (row) => row[key] ?? -1, cell: (row) => [when(row[key])], className: "time" });
// A word that is not known is shown as it is.
const mark = (word, known) => (known.includes(word) ? make("span", `mark ${word}`, capital(word)) : make("span", "mark", word));
const state = (key, known) => ({
  by: (row) => { const place = known.indexOf(row[key]); return place < 0 ? known.length : place; },
  cell: (row) => [mark(row[key], known)],
});
const named = (small) => ({
  by: (row) => row.name || row.id,
  cell: (row) => {
    const below = [row.name && row.id, small(row)].filter(Boolean);
    return [long(row.name || row.id), ...below.map((part) => make("small", "", long(part)))];
  },
});

/** A table that shows a window of its rows. */
class Listing {
  constructor(id, rows, columns, size, noun) {
    this.section = document.getElementById(id);
    Object.assign(this, { rows, shown: rows, columns, size, noun, from: 0, column: -1, down: false });
    // Said, since a table whose rows are shown as cards would not be one any more to some screen readers.
    const roles = { table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", th: "columnheader" };
    for (const [name, role] of Object.entries(roles)) {
      this.section.querySelectorAll(name).forEach((part) => part.setAttribute("role", role));
    }
    this.body = this.section.querySelector("tbody");
    this.heads = [...this.section.querySelectorAll("th")];
    this.labels = this.heads.map((head) => head.firstChild.textContent);
    this.heads.forEach((head, column) => {
      const sort = button("", () => this.sort(column, this.column === column && !this.down));
      sort.append(...head.childNodes);
      head.append(sort);
    });
    this.count = make("p");
    this.count.setAttribute("role", "status");
    this.back = button("Back", () => this.turn(-this.size));
    this.on = button("Next", () => this.turn(this.size));
    this.pages = make("nav", "", this.back, this.on);
    this.pages.setAttribute("aria-label", `Pages of ${noun}s`);
    this.section.append(make("div", "foot", this.count, this.pages));
    this.section.hidden = rows.length === 0;
  }

  sort(column, down) {
    const { by } = this.columns[column];
    const keys = new Map(this.rows.map((row) => [row, by(row)]));
    const compare = (a, b) => (typeof a === "number" ? a - b : order.compare(a, b));
    const sign = down ? -1 : 1;
    this.rows.sort((a, b) => sign * compare(keys.get(a), keys.get(b)));
    Object.assign(this, { column, down });
    this.heads.forEach((head, at) => {
      if (at === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    this.filter(this.keep);
  }

  filter(keep) {
    this.keep = keep;
    this.shown = keep ? this.rows.filter(keep) : this.rows;
    this.from = 0;
    this.draw();
  }

  turn(by) {
    const from = this.from + by;
    if (from < 0 || from >= this.shown.length) return;
    this.from = from;
    this.draw();
    this.section.querySelector("table").scrollIntoView();
  }

  draw() {
    const to = Math.min(this.from + this.size, this.shown.length);
    const rows = this.shown.slice(this.from, to).map((row) => {
      const line = make("tr");
      line.setAttribute("role", "row");
      this.columns.forEach(({ cell, className }, at) => {
        const made = make(at ? "td" : "th", className, ...cell(row));
        made.setAttribute("role", at ? "cell" : "rowheader");
        if (!at) made.scope = "row";
        made.dataset.label = this.labels[at];
        line.append(made);
      });
      return line;
    });
    this.body.replaceChildren(...rows);
    const count = this.shown.length;
    const all = count === this.rows.length ? "" : `, out of ${number(this.rows.length)}`;
    const part = rows.length === count ? "" : `${number(this.from + 1)}–${number(to)} of `;
    this.count.textContent = count === 0 ? `No ${this.noun}${all}` : `${part}${number(count)} ${this.noun}${count === 1 ? "" : "s"}${all}`;
    this.pages.hidden = rows.length === count;
    this.back.setAttribute("aria-disabled", this.from === 0);
    this.on.setAttribute("aria-disabled", to === count);
  }
}

const word = (at) => report.words[at];
const scopes = report.scopes.map(([name, id, ...rest]) => {
  const [state, verdict, role, connection, group, changed, why] = rest.map((value, at) => (at === 5 ? value : word(value)));
  // Not the verdict: a search for "missing" would else find each missing one beside the reason that was meant.
  const text = [name, id, state, role, connection, group, why].join("\n").toLowerCase();
  return { name, id, state, verdict, role, connection, group, changed, why, text };
});
const subscriptions = new Listing("scopes", scopes, [
  named((row) => row.state),
  state("verdict", VERDICTS), plain("why"), plain("role"), plain("connection"), plain("group"), time("changed"),
], 100, "subscription");

const text = document.getElementById("text");
const clear = document.getElementById("clear");
const boxes = [...new Set([...VERDICTS, ...scopes.map((row) => row.verdict)])].map((verdict) => {
  const box = make("input");
  box.type = "checkbox";
  box.value = verdict;
  const count = make("span", "count");
  document.getElementById("verdicts").append(make("label", "", box, mark(verdict, VERDICTS), " ", count));
  box.addEventListener("change", filter);
  return { box, count };
});
function filter() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = new Set(boxes.filter(({ box }) => box.checked).map(({ box }) => box.value));
  const counts = new Map();
  // Counted before the verdict decides, so that each box says what it would show.
  subscriptions.filter((row) => {
    if (!words.every((part) => row.text.includes(part))) return false;
    counts.set(row.verdict, (counts.get(row.verdict) ?? 0) + 1);
    return chosen.size === 0 || chosen.has(row.verdict);
  });
  boxes.forEach(({ box, count }) => { count.textContent = number(counts.get(box.value) ?? 0); });
  clear.hidden = words.length === 0 && chosen.size === 0;
}
text.addEventListener("input", filter);
clear.addEventListener("click", () => {
  text.value = "";
  boxes.forEach(({ box }) => { box.checked = false; });
  filter();
  text.focus();
});
scopes.sort((a, b) => order.compare(a.name || a.id, b.name || b.id));
subscriptions.sort(1, false);
filter();

const connections = report.connections.map(([name, id, status, cause, since]) => ({ name, id, status, cause, since }));
const STATUSES = ["failed", "awaiting-console", "pending", "connected"];
const columns = [named(() => ""), state("status", STATUSES), plain("cause"), time("since")];
new Listing("connections", connections, columns, 20, "connection").sort(1, false);

const orphans = report.orphans.map(([kind, id, scope, whose, why]) => ({ name: kind, id, scope, whose, why }));
new Listing("orphans", orphans, [named(() => ""), plain("scope"), plain("whose"), plain("why")], 20, "orphan").sort(0, false);

// A page may stay open, or be opened from a file days later.
const tell = () => {
  const seconds = Math.floor(Date.now() / 1000) - report.at;
  const [size, unit] = seconds < 3600 ? [60, "minute"] : seconds < 172800 ? [3600, "hour"] : [86400, "day"];
  const count = Math.floor(seconds / size);
  document.getElementById("age").textContent = seconds < 60 ? "just now" : `${count} ${unit}${count === 1 ? "" : "s"} ago`;
  document.getElementById("stale").hidden = seconds <= 7200;
};
tell();
setInterval(tell, 30000);
