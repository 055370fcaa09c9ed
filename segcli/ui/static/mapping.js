// The mapping: the list of events, the event, its payloads, and what becomes of which value.

import { ask, byId, calmly, copyOnClick, latest, make, notice, number, tell } from "./dom.js";

const PAGE = 100;

export class Mapping {
  constructor(described) {
    this.told = described;
    this.first = 0;
    this.rows = [];
    this.total = 0;
    this.chosen = null;
    this.marks = null;
    this.reviewing = null;
    this.lines = 0;
    this.load = latest((isLatest) => this.loadPage(isLatest));
    this.open = latest((isLatest, at) => this.loadEvent(isLatest, at));
    const search = calmly(200, () => this.search());
    for (const id of ["text", "where"]) byId(id).addEventListener("input", search);
    byId("state").addEventListener("change", () => this.search());
    byId("filter").addEventListener("submit", (event) => { event.preventDefault(); this.search(); });
    byId("back").addEventListener("click", () => this.turn(-1));
    byId("on").addEventListener("click", () => this.turn(1));
    byId("list").addEventListener("click", (event) => {
      const row = event.target.closest("li");
      if (row) this.choose(Number(row.dataset.place));
    });
    copyOnClick(byId("copy-list"), async () => (await ask("command")).command);
    copyOnClick(byId("copy-event"), () => this.command);
    for (const tab of document.querySelectorAll("[data-side]")) {
      tab.addEventListener("click", () => this.side(tab.dataset.side));
    }
    document.addEventListener("keydown", (event) => this.key(event));
    for (const id of ["event", "payloads"]) this.pointing(byId(id));
    for (const id of ["coverage", "beside"]) {
      byId(id).addEventListener("click", (event) => { if (event.target.matches("[data-review-all]")) this.reviewAll(); });
    }
  }

  side(wanted) {
    for (const tab of document.querySelectorAll("[data-side]")) {
      tab.setAttribute("aria-selected", tab.dataset.side === wanted);
      byId(tab.dataset.side).hidden = tab.dataset.side !== wanted;
    }
    byId("mapping").classList.toggle("editing", wanted === "file");
  }

  described(found) {
    byId("stale").hidden = !found.problems.length;
    if (!found.isFile && !byId("file").hidden) this.side("events");
    const tab = document.querySelector("[data-side=file]");
    tab.textContent = found.isFile ? found.dest.split("/").pop() : "File";
    if (this.chosen !== null) this.refresh();
  }

  refresh() {
    return Promise.all([this.load(), this.chosen === null ? null : this.open(this.chosen)]);
  }

  async search() {
    const query = { text: byId("text").value, where: byId("where").value.trim(), state: byId("state").value };
    try {
      await tell("search", query);
      byId("filter-problem").textContent = "";
    } catch (error) {
      byId("filter-problem").textContent = error.message;
      return;
    }
    this.first = 0;
    this.load();
  }

  async turn(pages) {
    const first = this.first + pages * PAGE;
    if (first < 0 || first >= this.total) return;
    this.first = first;
    await this.load();
    byId("list").scrollTop = 0;
  }

  async loadPage(isLatest) {
    const page = await ask("events", { first: this.first, count: PAGE });
    if (!isLatest()) return;
    this.rows = page.rows;
    this.total = page.total;
    this.done = page.done;
    byId("list").replaceChildren(...this.rows.map((row, place) => this.listed(row, place)));
    this.showRange();
    if (this.chosen === null && this.rows.length) this.choose(0);
    this.select();
  }

  listed(row, place) {
    const below = row.state === "mapped"
      ? [row.type, row.user, row.time].filter(Boolean).join(" · ")
      : `${row.state}: ${row.reason}`;
    return make("li", { role: "option", "data-place": place, id: `row-${row.at}`, title: below },
      make("span", { class: `dot ${row.state}` }),
      make("span", { class: "name" }, row.name || "(blank)"),
      make("span", { class: "line" }, number(row.line)),
      make("span", { class: "below" }, below));
  }

  showRange() {
    const last = this.first + this.rows.length;
    const of = `${number(this.total)}${this.done ? "" : " so far"}`;
    byId("range").textContent = this.rows.length ? `${number(this.first + 1)}–${number(last)} of ${of}` : (this.done ? "no event" : "looking …");
    byId("back").disabled = this.first === 0;
    byId("on").disabled = last >= this.total;
  }

  // What changed on the server: more lines, more hits.
  changed(now, before) {
    this.reviewing = now.reviewed;
    this.lines = now.lines;
    if (now.reviewed !== before.reviewed) this.showProgress();
    const search = now.search;
    const [total, done] = search.length ? [search[1], search[3]] : [now.lines, now.complete];
    if (String(search[0]) !== String((before.search || [])[0])) this.load();
    else if (this.rows.length < PAGE && total > this.first + this.rows.length) this.load();
    else if (total !== this.total || done !== this.done) {
      this.total = total;
      this.done = done;
      this.showRange();
    }
  }

  choose(place) {
    const row = this.rows[place];
    if (!row) return;
    this.chosen = row.at;
    this.select();
    this.open(row.at);
  }

  select() {
    for (const item of byId("list").children) {
      const isChosen = item.id === `row-${this.chosen}`;
      item.setAttribute("aria-selected", isChosen);
      if (isChosen) {
        item.scrollIntoView({ block: "nearest" });
        byId("list").setAttribute("aria-activedescendant", item.id);
      }
    }
  }

  async step(by) {
    const place = this.rows.findIndex((row) => row.at === this.chosen);
    const next = place < 0 ? 0 : place + by;
    if (next >= 0 && next < this.rows.length) return this.choose(next);
    const before = this.first;
    await this.turn(by);
    if (this.first !== before) this.choose(by > 0 ? 0 : this.rows.length - 1);
  }

  key(event) {
    const isTyping = event.target.matches("input, textarea, select");
    if (event.key === "Escape" && isTyping) event.target.blur();
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || byId("mapping").hidden) return;
    const inList = event.target.id === "list";
    const steps = { j: 1, k: -1, ...(inList ? { ArrowDown: 1, ArrowUp: -1 } : {}) };
    if (event.key in steps) this.step(steps[event.key]);
    else if (event.key === "/") byId("text").focus();
    else return;
    event.preventDefault();
  }

  async loadEvent(isLatest, at) {
    const event = await ask("event", { at });
    if (!isLatest()) return;
    this.command = event.command;
    byId("event-title").textContent = `${event.file.split("/").pop()}:${event.line}`;
    byId("event-title").title = `${event.file}:${event.line}`;
    byId("event-state").replaceChildren(make("span", { class: `state ${event.state}` }, event.state));
    const findings = event.marks ? event.marks.findings : [];
    byId("event-notes").replaceChildren(this.notes(event, findings));
    this.marks = marksOf(event.marks);
    byId("event").replaceChildren(...(event.raw !== undefined
      ? [make("pre", { class: "wire" }, event.raw)]
      : event.rows.map((row) => this.eventRow(row))));
    byId("payloads").replaceChildren(...(event.payloads.length
      ? event.payloads.map((payload, at) => this.payload(payload, at, event.payloads.length > 1))
      : [make("p", { class: "empty muted" }, event.state === "mapped" ? "" : `No payload: ${event.reason}`)]));
  }

  notes(event, findings) {
    const lines = findings.map((one) => make("div", { class: "warn", title: one.means },
      make("code", {}, one.code), ` ${one.field} ${one.problem}`));
    if (event.state !== "mapped") {
      lines.unshift(make("div", { class: event.state === "rejected" ? "warn" : "muted" },
        event.code ? make("code", {}, `${event.code} `) : "", `${event.state}: ${event.reason}`));
    }
    for (const rejection of event.rejections || []) lines.push(make("div", { class: "warn" }, rejection));
    for (const note of event.notes || []) lines.push(make("div", { class: "muted" }, `note: ${note}`));
    if (event.marks && event.marks.untried) lines.push(make("div", { class: "muted" }, `${number(event.marks.untried)} values were not tried: there are too many to find out what becomes of each`));
    return lines.length ? make("div", { class: "notes" }, ...lines) : make("span");
  }

  eventRow(row) {
    const element = rowOf(row);
    if (row.p === undefined) return element;
    const finding = this.marks.findings.get(row.p);
    if (finding) tag(element, "found", finding.problem, `${finding.code}: ${finding.means}`);
    else if (this.marks.lost.has(row.p)) tag(element, "lost", this.marks.lostWords, `SEG321: ${this.marks.lostWords}: no payload changes with this value`);
    return element;
  }

  payload(payload, at, hasOthers) {
    const title = [hasOthers ? payload.action : "", payload.route].filter(Boolean).join(" → ");
    const rows = payload.rows.map((row) => {
      const element = rowOf(row);
      element.dataset.payload = at;
      return element;
    });
    return make("div", { class: "payload" }, make("h3", {}, title || "/"), make("div", { class: "json" }, ...rows), request(payload.request));
  }

  // Pointing at a row, with the mouse or the arrow keys, lights up the rows that belong to it.
  pointing(pane) {
    pane.addEventListener("mouseover", (event) => this.point(event.target.closest(".row[data-path]")));
    pane.addEventListener("mouseleave", () => this.point(null));
    pane.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      const rows = [...pane.querySelectorAll(".row[data-path]")];
      const at = rows.findIndex((row) => row.classList.contains("pointed"));
      const next = rows[Math.max(0, Math.min(rows.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)))];
      if (next) next.scrollIntoView({ block: "nearest" });
      this.point(next);
      event.preventDefault();
    });
  }

  point(row) {
    for (const other of document.querySelectorAll(".row.pointed, .row.lit")) other.classList.remove("pointed", "lit");
    document.querySelectorAll(".tag.sources").forEach((one) => one.remove());
    if (!row || !this.marks) return;
    row.classList.add("pointed");
    const { path, payload } = row.dataset;
    const isPayload = payload !== undefined;
    const places = isPayload ? this.marks.sources.get(`${payload}:${path}`) : this.marks.carried.get(path);
    if (isPayload && places) {
      const names = places.map((place) => place.slice(1).replaceAll("/", ".")).join(", ");
      row.append(make("span", { class: "tag sources", title: names }, `← ${names}`));
    }
    for (const place of places || []) {
      const found = isPayload ? `#event .row[data-path="${CSS.escape(place)}"]`
        : `#payloads .row[data-payload="${place[0]}"][data-path="${CSS.escape(place[1])}"]`;
      document.querySelectorAll(found).forEach((one) => one.classList.add("lit"));
    }
  }

  reviewed(review, editor) {
    byId("coverage").replaceChildren(reviewOf(review, false));
    editor.reviewed(reviewOf(review, true));
    this.showProgress();
  }

  // Review all events, or stop that.
  async reviewAll() {
    try {
      await tell("review", { all: this.reviewing === null });
    } catch (error) {
      notice(error.message);
    }
  }

  showProgress() {
    for (const one of document.querySelectorAll("[data-review-all]")) {
      one.textContent = this.reviewing === null ? "Review all lines" : "Stop";
    }
    const done = this.lines ? Math.floor((100 * this.reviewing) / this.lines) : 0;
    for (const one of document.querySelectorAll("[data-review-progress]")) {
      one.textContent = this.reviewing === null ? "" : `${number(this.reviewing)} of ${number(this.lines)} lines, ${done} %`;
    }
  }
}

function marksOf(marks) {
  const found = { carried: new Map(), sources: new Map(), lost: new Set(), findings: new Map(), lostWords: "" };
  if (!marks) return found;
  found.lost = new Set(marks.notCarried);
  found.lostWords = marks.notCarriedWords;
  for (const finding of marks.findings) if (finding.path) found.findings.set(finding.path, finding);
  for (const [path, places] of marks.carried) {
    found.carried.set(path, places);
    for (const [payload, at] of places) {
      const key = `${payload}:${at}`;
      found.sources.set(key, [...(found.sources.get(key) || []), path]);
    }
  }
  return found;
}

function rowOf(row) {
  const element = make("div", { class: "row", "data-path": row.p },
    make("span", { class: "words" },
      row.k === undefined ? "" : make("span", { class: "key" }, `${row.k}: `), make("span", { class: "value" }, row.t)));
  element.style.paddingLeft = `${0.8 + row.d * 1.1}em`;
  return element;
}

function tag(row, kind, words, title) {
  row.classList.add(kind);
  // What follows `by` is left out where there is little room.
  const [start, name] = words.split(" by ");
  row.append(make("span", { class: "tag", title }, start, name ? make("span", { class: "by" }, ` by ${name}`) : ""));
}

function request(found) {
  if (found.problem) return make("div", { class: "request muted" }, found.problem);
  const head = [`${found.method} ${found.url}`, ...found.headers.map(([name, text]) => `${name}: ${text}`)];
  return make("details", { class: "request", open: "", "data-request": "" }, make("summary", {}, "Request"),
    make("pre", {}, `${head.join("\n")}\n\n${found.body}`));
}

function reviewOf(review, isShort) {
  if (review.pending) return make("p", { class: "empty muted" }, "Looking at the first events …");
  if (review.problem) return make("p", { class: "problem" }, review.problem);
  const counts = Object.entries(review.counts).map(([state, lines]) => `${number(lines)} ${state}`).join(", ");
  const of = review.isWhole ? `${number(review.lines)} lines` : `The first ${number(review.lines)} lines`;
  const parts = [make("p", { class: "muted" }, `${of}: ${counts}`)];
  if (!review.isWhole) {
    parts.push(make("p", { class: "all-lines" }, make("button", { type: "button", "data-review-all": "" }, "Review all lines"), make("span", { class: "muted", "data-review-progress": "" })));
  }
  if (review.expect) {
    parts.push(make("h2", {}, `Golden file ${review.expect}`));
    parts.push(review.isWhole ? make("p", { class: "muted" }, `${number(review.differences.length)} ${review.differences.length === 1 ? "difference" : "differences"}`) : make("p", { class: "muted" }, "It is about every line: review all lines to compare."), findings(review.differences));
  }
  if (review.findings.length) parts.push(make("h2", {}, "Findings"), findings(review.findings));
  if (review.notCarried.length) parts.push(make("h2", {}, "Fields that are not carried"), notCarried(review.notCarried, isShort));
  return make("div", { class: "review" }, ...parts);
}

function findings(found) {
  return make("table", {}, ...found.map((one) => make("tr", { title: one.means },
    make("td", { class: "code" }, make("code", { class: one.level === "error" ? "bad" : "warn" }, one.code)),
    make("td", { class: "n" }, number(one.lines)),
    make("td", {}, one.field ? make("code", {}, one.field) : "", ` ${one.problem}`))));
}

function notCarried(fields, isShort) {
  return make("table", {}, ...fields.map((one) => make("tr", { title: one.sample },
    make("td", {}, make("code", {}, one.path)), make("td", { class: "n" }, number(one.events)),
    isShort ? "" : make("td", { class: "n" }, `${Math.round(one.share * 100)}%`))));
}
