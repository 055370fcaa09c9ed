// The run: its account and plots. The server makes this part of the page, as for a report.

import { ask, byId, notice, tell } from "./dom.js";

// Milliseconds between two pictures of a running one.
const EVERY = 2000;

export class RunView {
  constructor() {
    this.isShown = false;
    this.isRunning = false;
    this.version = -1;
    this.drawn = -1;
    byId("report").addEventListener("change", (event) => this.openReport(event.target));
  }

  shown(isShown) {
    this.isShown = isShown;
    if (isShown) this.draw();
  }

  changed(now, before) {
    this.isRunning = now.running;
    this.version = now.run;
    if (now.run !== before.run && this.isShown) this.draw();
  }

  async draw() {
    clearTimeout(this.timer);
    const version = this.version;
    if (version !== this.drawn || this.isRunning) {
      try {
        const { html } = await ask("run");
        // Jinja has escaped every text in it, and the policy of the page runs no script in it.
        if (html) byId("run-content").innerHTML = html;
        byId("no-run").hidden = Boolean(html);
        this.drawn = version;
      } catch (error) {
        notice(error.message);
      }
    }
    if (this.isRunning && this.isShown) this.timer = setTimeout(() => this.draw(), EVERY);
  }

  async openReport(input) {
    const [file] = input.files;
    if (!file) return;
    try {
      notice("");
      await tell("report", { report: JSON.parse(await file.text()) });
    } catch (error) {
      notice(error instanceof SyntaxError ? "This is not a report of segcli: it is not JSON." : error.message);
    }
    input.value = "";
  }
}
