// The destination file: its text, the mistakes at their lines, and saving.

import { ask, byId, calmly, make, notice, tell } from "./dom.js";

export class Editor {
  constructor(described) {
    this.told = described;
    this.problems = [];
    this.isEdited = false;
    this.sending = Promise.resolve();
    this.source = byId("source");
    const edited = calmly(150, () => this.flush());
    this.source.addEventListener("input", () => { this.isEdited = true; this.draw(); edited(); });
    this.source.addEventListener("scroll", () => { byId("gutter").scrollTop = this.source.scrollTop; });
    byId("save").addEventListener("click", () => this.act("save"));
    byId("reload").addEventListener("click", () => this.act("reload"));
    this.source.addEventListener("keydown", (event) => {
      if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.act("save");
      }
    });
  }

  async described(found, isOther) {
    this.problems = found.problems;
    byId("save").disabled = found.isSaved || found.problems.length > 0;
    byId("saved").textContent = found.isSaved ? "as in the file" : "not saved";
    if (isOther && found.isFile) this.source.value = (await ask("text")).text;
    this.draw();
  }

  // Send what is edited; whether the server has it then. One text at a time: an older one must not arrive after a newer one.
  flush() {
    this.sending = this.sending.then(() => (this.isEdited ? this.send() : true));
    return this.sending;
  }

  async send() {
    this.isEdited = false;
    try {
      const found = await tell("edit", { text: this.source.value });
      if (!this.isEdited) this.told(found);
      return true;
    } catch (error) {
      this.isEdited = true;
      notice(error.message);
      return false;
    }
  }

  async act(what) {
    try {
      notice("");
      this.isEdited = what === "save";
      if (!(await this.flush())) return;
      const found = await tell(what);
      if (what === "reload") this.source.value = (await ask("text")).text;
      this.told(found);
    } catch (error) {
      notice(error.message);
    }
  }

  draw() {
    const lines = this.source.value.split("\n").length;
    const wrong = new Set(this.problems.map((problem) => problem.line));
    const numbers = [];
    for (let line = 1; line <= lines; line++) {
      numbers.push(make("span", { class: wrong.has(line) ? "wrong" : undefined }, String(line)), "\n");
    }
    byId("gutter").replaceChildren(...numbers);
    byId("gutter").scrollTop = this.source.scrollTop;
    byId("problems").replaceChildren(...(this.problems.length
      ? this.problems.map((problem) => make("li", {}, this.button(problem)))
      : [make("li", { class: "none" }, "No mistakes.")]));
  }

  button(problem) {
    const button = make("button", { type: "button" }, `line ${problem.line}: ${problem.text}`);
    button.addEventListener("click", () => this.go(problem.line));
    return button;
  }

  go(line) {
    const lines = this.source.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    this.source.focus();
    this.source.setSelectionRange(start, start + (lines[line - 1] || "").length);
    const height = this.source.scrollHeight / lines.length;
    this.source.scrollTop = Math.max(0, (line - 4) * height);
  }

  reviewed(element) {
    byId("beside").replaceChildren(element);
  }
}
