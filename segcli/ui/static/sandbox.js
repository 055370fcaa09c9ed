// The sandbox: sends with faults, and what arrived, live.

import { ask, byId, calmly, latest, make, notice, number, tell } from "./dom.js";

// The most requests that are kept, and listed.
const MOST = 5000;
const LISTED = 500;

export class SandboxView {
  constructor(chosen) {
    this.last = 0;
    this.arrived = 0;
    this.cleared = 0;
    this.user = "";
    this.rows = [];
    this.isLoading = false;
    this.open = latest((isLatest, number) => this.details(isLatest, number));
    byId("send-one").addEventListener("click", () => this.send({ at: chosen() }));
    byId("send-many").addEventListener("click", () => this.send({ first: Number(byId("many").value) }));
    byId("stop").addEventListener("click", () => this.act("stop"));
    byId("reset").addEventListener("click", () => this.reset());
    byId("user").addEventListener("input", calmly(150, () => this.choose(byId("user").value.trim())));
    byId("send").addEventListener("submit", (event) => event.preventDefault());
    const body = byId("arrivals");
    // What arrives while the button is down replaces the row: then there is no click on it.
    body.addEventListener("mousedown", (event) => event.button === 0 && this.pick(event.target.closest("tr")));
    // Assistive technology clicks without a button.
    body.addEventListener("click", (event) => event.detail === 0 && this.pick(event.target.closest("tr")));
    body.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") this.pick(event.target);
      const way = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
      const next = way && event.target[way];
      if (next) { next.focus(); this.pick(next); }
      if (way || event.key === " ") event.preventDefault();
    });
  }

  async send(what) {
    const wish = {
      ...what,
      faults: faults(),
      latency: Number(byId("latency").value),
      concurrency: Number(byId("flight").value),
    };
    await this.act("send", wish);
  }

  async act(name, value = {}) {
    try {
      notice("");
      await tell(name, value);
    } catch (error) {
      notice(error.message);
    }
  }

  async reset() {
    await this.act("reset");
    byId("exchange").replaceChildren(make("p", { class: "empty muted" }, "Choose a request on the left."));
  }

  // List only a user's requests; the server looks for them, also among many users of one request.
  choose(user) {
    this.user = user;
    this.last = 0;
    this.rows = [];
    this.draw();
    this.load();
  }

  changed(now) {
    byId("stop").disabled = !now.sending;
    this.arrived = now.arrived;
    if (now.cleared > this.cleared) {
      this.cleared = now.cleared;
      this.rows = this.rows.filter((row) => row.number > now.cleared);
      this.draw();
    }
    this.load();
  }

  async load() {
    if (this.isLoading) return;
    this.isLoading = true;
    try {
      while (this.last < this.arrived) {
        const { user, arrived } = this;
        const { rows } = await ask("arrivals", { since: this.last, user });
        if (user !== this.user) continue;
        if (!rows.length) { this.last = arrived; this.draw(); continue; }
        this.last = rows[rows.length - 1].number;
        this.rows = [...this.rows, ...rows].slice(-MOST);
        this.draw();
      }
    } catch (error) {
      notice(error.message);
    }
    this.isLoading = false;
  }

  draw() {
    // Of one user the order counts, so the first one is on top; of all, the latest.
    const rows = this.user ? this.rows : [...this.rows].reverse();
    const focused = document.activeElement.closest("#arrivals tr");
    byId("arrivals").replaceChildren(...rows.slice(0, LISTED).map((row) => this.row(row)));
    // What arrives must not take the focus from the row that somebody reads.
    const again = focused && byId("arrivals").querySelector(`[data-number="${focused.dataset.number}"]`);
    if (again) again.focus({ preventScroll: true });
    this.rove();
    byId("nothing").hidden = rows.length > 0 && rows.length <= LISTED;
    const none = this.user ? "Nothing of this user." : "Nothing has arrived yet.";
    byId("nothing").textContent = rows.length ? `${number(rows.length - LISTED)} more are not listed.` : none;
  }

  // One row takes part in the order of the Tab key; the arrow keys lead to the others.
  rove() {
    const rows = [...byId("arrivals").children];
    const current = rows.find((row) => row === document.activeElement) || rows.find((row) => row.getAttribute("aria-selected") === "true") || rows[0];
    for (const row of rows) row.tabIndex = row === current ? 0 : -1;
  }

  row(row) {
    const isChosen = row.number === this.chosen;
    return make("tr", { tabindex: -1, "data-number": row.number, "aria-selected": isChosen },
      make("td", {}, clock(row.at)), make("td", { title: row.vendor }, row.vendor), make("td", { title: row.route }, row.route),
      make("td", { title: row.users.join(", ") }, users(row)),
      make("td", { class: "n" }, row.events ? number(row.events) : ""), make("td", {}, status(row)),
      make("td", { class: "verdict-cell", title: [row.verdict, row.reason].filter(Boolean).join(": ") }, ...verdictOf(row.verdict, row.reason)));
  }

  pick(row) {
    if (!row) return;
    this.chosen = Number(row.dataset.number);
    for (const other of byId("arrivals").children) other.setAttribute("aria-selected", other === row);
    this.rove();
    this.open(this.chosen);
  }

  async details(isLatest, chosen) {
    const found = await ask("arrival", { number: chosen });
    if (!isLatest()) return;
    if (found.gone) {
      byId("exchange").replaceChildren(make("p", { class: "empty muted" }, "This request is not kept any more."));
      return;
    }
    byId("exchange").dataset.number = chosen;
    const head = found.headers.map(([name, text]) => `${name}: ${text}`).join("\n");
    const wire = (text) => make("pre", { class: "wire" }, text);
    const blocks = [
      ["Verdict", said(found)],
      ["Request", wire(`${found.method} ${found.route}\n${head}\n\n${found.body}`)],
      ["Reply", wire(found.status === null ? `none: ${found.fault}` : `${found.status}${found.fault ? ` (a simulated fault)` : ""}\n\n${found.reply}`)],
    ];
    byId("exchange").replaceChildren(...blocks.map(([title, content]) => make("div", { class: "payload" }, make("h3", {}, title), content)));
  }
}

// The faults that are asked for, as --fault takes them.
function faults() {
  const asked = [...byId("faults").querySelectorAll("[data-fault]")].filter((one) => Number(one.value) > 0);
  return asked.map((one) => `${one.dataset.fault || byId("status").value}:${one.value}%`);
}

const KINDS = { delivered: "ok", "to be sent again": "late" };

// What the reply means: for each event of the request, or for the whole one.
function said(found) {
  if (!found.items.length) return make("p", { class: "wire" }, ...verdictOf(found.verdict, found.reason));
  const rows = found.items.map(([user, status, verdict, reason], at) => make("tr", {},
    make("td", { class: "n" }, number(at + 1)), make("td", { class: "text" }, user || "(no user)"), make("td", { class: "n" }, String(status)),
    make("td", { class: "text" }, ...verdictOf(verdict, reason))));
  const head = ["event", "user", "status", "verdict"].map((name) => make("th", { class: name === "event" || name === "status" ? "n" : undefined }, name));
  return make("table", { class: "items" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}

function verdictOf(verdict, reason) {
  return [make("span", { class: `status ${KINDS[verdict] || "no"}` }, verdict), reason ? `: ${reason}` : ""];
}

function users(row) {
  const more = row.users.length - 1 + row.moreUsers;
  return row.users.length ? `${row.users[0]}${more ? ` and ${more} more` : ""}` : "";
}

function status(row) {
  if (row.status === null) return make("span", { class: "status no" }, row.fault);
  const kind = row.status < 300 ? "ok" : row.status === 429 || row.status >= 500 ? "late" : "no";
  return make("span", { class: `status ${kind}` }, String(row.status));
}

function clock(seconds) {
  const time = new Date(seconds * 1000);
  return `${time.toLocaleTimeString("en-GB")}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}
