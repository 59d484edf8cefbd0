// Suggestions while somebody types, as a combobox with a list (ARIA practices: list autocomplete,
// manual selection). The typed text is never changed: choosing a suggestion opens its address.

const REST = 150; // milliseconds without a key before anything is asked
const JAPANESE = /[\u3041-\u30fa\u4e00-\u9fff]/;

class Suggestions {
  constructor(form) {
    this.form = form;
    this.input = form.elements.q;
    this.options = [];
    this.at = -1; // the option that has the virtual focus, -1 for the text itself
    this.list = element("div", "suggestions", { id: "suggestions", role: "listbox" });
    this.list.setAttribute("aria-label", form.dataset.title);
    this.list.hidden = true;
    this.said = element("p", "unseen", { role: "status" });
    this.input.closest(".search-row").append(this.list);
    form.append(this.said);
    const combobox = { role: "combobox", "aria-autocomplete": "list", "aria-controls": "suggestions" };
    attributes(this.input, { ...combobox, "aria-expanded": "false" });
    this.listen();
  }

  listen() {
    const { input, list, form } = this;
    input.addEventListener("input", (event) => event.isComposing || this.soon());
    input.addEventListener("compositionstart", () => this.close());
    input.addEventListener("compositionend", () => this.soon());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => this.close());
    form.addEventListener("submit", () => this.close());
    window.addEventListener("pagehide", () => this.close());
    list.addEventListener("mousedown", (event) => event.preventDefault()); // the text keeps the focus
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.open(option);
    });
  }

  // Asking

  soon() {
    this.close();
    if (this.input.value.trim()) this.rest = setTimeout(() => this.ask(), REST);
  }

  async ask(first) {
    this.stop();
    const { signal } = (this.asking = new AbortController());
    const url = new URL(this.form.dataset.suggest, location.href);
    url.search = new URLSearchParams(new FormData(this.form));
    try {
      const answer = await fetch(url, { signal, credentials: "omit" });
      const groups = answer.ok ? (await answer.json()).groups : [];
      if (!signal.aborted) this.show(groups, first);
    } catch {
      // Aborted or out of reach: the form works without.
    }
  }

  stop() {
    clearTimeout(this.rest);
    this.asking?.abort();
  }

  // Showing

  show(groups, first) {
    this.list.replaceChildren(...groups.map((group) => this.group(group)));
    this.options = [...this.list.querySelectorAll("[role=option]")];
    const count = this.options.length;
    this.list.hidden = count === 0;
    this.input.setAttribute("aria-expanded", String(count > 0));
    this.said.textContent = count ? this.form.dataset.said.replace("{n}", String(count)) : "";
    if (first !== undefined && count) this.move(first < 0 ? count - 1 : first);
  }

  group({ key, label, items }) {
    const title = element("div", "suggestions-title", { id: `suggestions-${key}` }, label);
    const box = element("div", "", { role: "group", "aria-labelledby": title.id });
    box.append(title, ...items.map((item, i) => this.option(item, `suggestion-${key}-${i}`)));
    return box;
  }

  option({ label, hint, url }, id) {
    const option = element("div", "suggestion", { id, role: "option", "aria-selected": "false" });
    option.dataset.url = url;
    option.append(written("", label));
    if (hint) option.append(" ", written("hint", hint));
    return option;
  }

  close() {
    this.stop();
    this.move(-1);
    this.options = [];
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.said.textContent = "";
  }

  // Choosing

  key(event) {
    if (event.isComposing || event.keyCode === 229) {
      // The Enter that ends a conversion of kana sends nothing; some browsers tell only by the code.
      if (event.key === "Enter") event.preventDefault();
      return;
    }
    const shown = this.options.length > 0;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.arrow(event, event.key === "ArrowDown" ? 1 : -1, shown);
    } else if (event.key === "Enter") {
      if (this.at >= 0) {
        event.preventDefault();
        this.open(this.options[this.at]);
      }
    } else if (event.key === "Escape" && shown) {
      event.preventDefault(); // a search field would be emptied
      this.close();
    } else if (["Home", "End", "ArrowLeft", "ArrowRight"].includes(event.key)) {
      this.move(-1);
    }
  }

  arrow(event, step, shown) {
    if (event.altKey && step < 0) return this.close();
    if (shown) {
      if (!event.altKey) this.move(this.next(step));
    } else if (this.input.value.trim()) {
      this.ask(event.altKey ? undefined : Math.min(step, 0));
    }
  }

  next(step) {
    const last = this.options.length - 1;
    if (this.at < 0) return step > 0 ? 0 : last;
    return this.at + step > last ? 0 : this.at + step < 0 ? last : this.at + step;
  }

  move(to) {
    this.options[this.at]?.setAttribute("aria-selected", "false");
    this.at = to;
    const option = this.options[to];
    if (!option) return this.input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  open(option) {
    const { url } = option.dataset;
    this.close();
    location.assign(url);
  }
}

function element(name, kind, named, text = "") {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  attributes(made, named);
  made.textContent = text;
  return made;
}

function attributes(node, named) {
  for (const [name, value] of Object.entries(named)) node.setAttribute(name, value);
}

// Names stay Japanese on an English page, so that they are read aloud in Japanese.
function written(kind, text) {
  const language = JAPANESE.test(text) && document.documentElement.lang !== "ja" ? { lang: "ja" } : {};
  return element("span", kind, language, text);
}

for (const form of document.querySelectorAll("form[data-suggest]")) new Suggestions(form);
