// Small functions for the page. Text goes in as text only: nothing here parses HTML.

export const byId = (id) => document.getElementById(id);

// Make an element: make("td", {class: "n"}, "12", other). Children are texts or elements.
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export const number = (value) => value.toLocaleString("en-US");

export function notice(text) {
  const element = byId("notice");
  element.textContent = text;
  element.hidden = !text;
}

// Ask the server; a problem is shown and thrown.
export async function ask(name, parameters = {}) {
  return answered(await fetch(`api/${name}?${new URLSearchParams(parameters)}`));
}

export async function tell(name, value = {}) {
  return answered(await fetch(`api/${name}`, { method: "POST", body: JSON.stringify(value) }));
}

async function answered(response) {
  const value = await response.json();
  if (!response.ok) throw new Error(value.problem || `HTTP ${response.status}`);
  return value;
}

// Call a function once nothing has asked for it for a while.
export function calmly(milliseconds, action) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}

// Of several calls that overlap, only the answer of the latest one counts; all end with it.
export function latest(action) {
  let calls = 0;
  let newest = null;
  async function answered(own, words) {
    const isLatest = () => own === calls;
    try {
      await action(isLatest, ...words);
    } catch (error) {
      if (isLatest()) notice(error.message);
    }
  }
  return (...words) => {
    const whole = answered(++calls, words).then(() => (newest === whole ? undefined : newest));
    newest = whole;
    return whole;
  };
}

export function copyOnClick(button, text) {
  button.addEventListener("click", async () => {
    const words = button.textContent;
    let copied;
    try {
      notice("");
      copied = await text();
    } catch (error) {
      notice(error.message);
    }
    if (!copied) return;
    button.dataset.copied = copied;
    try {
      await navigator.clipboard.writeText(copied);
      button.textContent = "Copied";
    } catch {
      notice(copied);
    }
    setTimeout(() => { button.textContent = words; }, 1200);
  });
}
