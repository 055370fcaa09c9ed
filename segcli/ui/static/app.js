// The page: its three views, the destination, and what changes while it is open.

import { ask, byId, make, notice, number, tell } from "./dom.js";
import { Editor } from "./editor.js";
import { Mapping } from "./mapping.js";
import { RunView } from "./run.js";
import { SandboxView } from "./sandbox.js";

const VIEWS = ["mapping", "sandbox", "run"];
const state = { versions: {}, described: {} };

const mapping = new Mapping(described);
const editor = new Editor(described);
const sandbox = new SandboxView(() => mapping.chosen, () => show("run"));
const run = new RunView();

function show(view) {
  for (const name of VIEWS) {
    byId(name).hidden = name !== view;
    document.querySelector(`[data-view=${name}]`).setAttribute("aria-selected", name === view);
  }
  history.replaceState(null, "", `#${view}`);
  run.shown(view === "run");
}

// Something about the destination has changed: its problems, its text or itself.
function described(found) {
  const isOther = found.dest !== state.described.dest;
  state.described = found;
  byId("dest").value = found.dest;
  byId("endpoint").textContent = found.endpoint;
  document.querySelector("[data-side=file]").hidden = !found.isFile;
  editor.described(found, isOther);
  mapping.described(found);
}

async function choose() {
  try {
    notice("");
    const dest = byId("dest").value;
    await editor.flush();
    described(await tell("destination", { dest }));
    mapping.refresh();
  } catch (error) {
    byId("dest").value = state.described.dest;
    notice(error.message);
  }
}

function changed(now) {
  const before = state.versions;
  state.versions = now;
  const arrived = now.arrived - now.cleared;
  byId("arrived").textContent = arrived ? number(arrived) : "";
  byId("running").textContent = now.running ? "●" : "";
  if (now.problem && now.problem !== before.problem) notice(now.problem);
  mapping.changed(now, before);
  if (now.review !== before.review) ask("review").then((review) => mapping.reviewed(review, editor)).catch(() => {});
  sandbox.changed(now);
  run.changed(now, before);
}

function listen() {
  const source = new EventSource("api/live");
  source.onmessage = (message) => {
    if (state.isGone) notice("");
    state.isGone = false;
    changed(JSON.parse(message.data));
  };
  source.onerror = () => {
    state.isGone = true;
    notice("segcli has ended, or does not answer.");
  };
}

// The arrow keys go from tab to tab.
function turn(event) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const tabs = [...event.currentTarget.querySelectorAll("[role=tab]:not([hidden])")];
  const next = tabs[(tabs.indexOf(event.target) + by + tabs.length) % tabs.length];
  next.focus();
  next.click();
  event.preventDefault();
}

async function begin() {
  for (const tab of document.querySelectorAll("[data-view]")) {
    tab.addEventListener("click", () => show(tab.dataset.view));
  }
  for (const tabs of document.querySelectorAll("[role=tablist]")) tabs.addEventListener("keydown", turn);
  const wanted = location.hash.slice(1);
  show(VIEWS.includes(wanted) ? wanted : "mapping");
  const found = await ask("state");
  byId("files").textContent = found.files.join(", ") || "no files";
  byId("many").max = found.mostSent;
  const names = found.names.includes(found.dest) ? found.names : [found.dest, ...found.names];
  byId("dest").append(...names.map((name) => make("option", { value: name }, name)));
  document.querySelectorAll(".send button, .send input, .send select").forEach((one) => {
    if (!found.ownSandbox && one.id !== "reset") one.disabled = true;
  });
  described(found);
  byId("dest").addEventListener("change", choose);
  await mapping.refresh();
  listen();
}

begin().catch((error) => notice(error.message));
