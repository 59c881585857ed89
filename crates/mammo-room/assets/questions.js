// The panel with one question: first pick one of a few, then type a number. No number is there before the reader gives
// one, because it would pull the answer.

import { TEXTS, fill } from "/assets/texts.js";

export class Question {
  constructor(panel, onSubmit) {
    this.panel = panel;
    this.onSubmit = onSubmit;
  }

  // Shows a question; `given` is an earlier answer where it may be changed.
  show(name, canMark, given) {
    this.name = name;
    this.texts = TEXTS[name];
    this.picked = null;
    const form = document.createElement("form");
    form.noValidate = true;
    const title = element("h1", this.texts.title);
    const group = document.createElement("fieldset");
    group.append(element("legend", this.texts.pick));
    this.radios = this.texts.options.map(([value, key, label]) => {
      const line = document.createElement("label");
      const radio = document.createElement("input");
      radio.type = "radio";
      radio.name = "pick";
      radio.value = value;
      radio.addEventListener("change", () => this.pick(value));
      const shown = element("span", name === "malignancy" ? value : "", "value");
      line.append(radio, shown, element("span", label, "label"), element("kbd", key));
      group.append(line);
      return radio;
    });
    this.number = document.createElement("input");
    this.number.type = "text";
    this.number.inputMode = "numeric";
    this.number.autocomplete = "off";
    this.number.maxLength = 3;
    this.number.id = "score";
    this.number.addEventListener("input", () => this.typed());
    this.slider = document.createElement("input");
    this.slider.type = "range";
    this.slider.min = 0;
    this.slider.max = 100;
    this.slider.tabIndex = -1;
    this.slider.className = "unset";
    this.slider.setAttribute("aria-label", this.texts.score);
    this.slider.addEventListener("input", () => this.slid());
    const label = element("label", this.texts.score);
    label.htmlFor = "score";
    const scale = document.createElement("div");
    scale.className = "scale";
    const ends = document.createElement("div");
    ends.className = "ends";
    ends.append(element("span", this.texts.low), element("span", this.texts.high));
    scale.append(this.number, this.slider, ends);
    this.mark = element("p", canMark ? TEXTS.markHint : "", "hint");
    this.message = element("p", "", "message");
    this.message.setAttribute("role", "status");
    const go = element("button", TEXTS.next, "go");
    go.type = "submit";
    form.append(title, group, label, scale, this.mark, this.message, go);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.panel.replaceChildren(form);
    if (given) {
      const value = given.category || String(given.points);
      this.radios.forEach((radio) => { radio.checked = radio.value === value; });
      this.picked = value;
      this.number.value = given.score;
      this.typed();
    }
    // Not the first choice: arrow keys shall move the image until the reader goes to the list.
    title.tabIndex = -1;
    title.focus({ preventScroll: true });
  }

  pick(value) {
    this.picked = value;
    this.radios.forEach((radio) => { radio.checked = radio.value === value; });
    this.say("");
    this.number.focus({ preventScroll: true });
  }

  // A key that is not for the image. True if it was for the question.
  key(key) {
    if (document.activeElement === this.number) return false;
    const option = this.texts.options.find((o) => o[1] === key);
    if (!option) return false;
    this.pick(option[0]);
    return true;
  }

  typed() {
    const clean = this.number.value.replace(/\D/g, "");
    this.number.value = clean;
    const score = this.score();
    this.slider.className = score === null ? "unset" : "";
    if (score !== null) this.slider.value = score;
    this.say("");
  }

  slid() {
    this.slider.className = "";
    this.number.value = this.slider.value;
    this.say("");
  }

  score() {
    const text = this.number.value;
    const score = Number(text);
    return text !== "" && score >= 0 && score <= 100 ? score : null;
  }

  say(text) {
    this.message.textContent = text;
  }

  hint(text) {
    this.mark.textContent = text;
  }

  submit() {
    if (this.picked === null || this.score() === null) {
      this.say(TEXTS.missing);
      if (this.picked === null) this.radios[0].focus();
      else this.number.focus();
      return;
    }
    const answer = { score: this.score() };
    if (this.name === "malignancy") answer.category = this.picked;
    else answer.points = Number(this.picked);
    this.onSubmit(answer);
  }
}

// An element with text.
export function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

// A page of words with one button, in the panel or over everything.
export function words(panel, texts, values, onGo) {
  const box = document.createElement("form");
  box.className = "words";
  box.append(element("h1", fill(texts.title, values)));
  for (const text of [].concat(texts.text)) box.append(element("p", fill(text, values)));
  if (texts.go) {
    const go = element("button", texts.go, "go");
    go.type = "submit";
    box.append(go);
    box.addEventListener("submit", (event) => {
      event.preventDefault();
      onGo();
    });
  }
  panel.replaceChildren(box);
  box.querySelector("button")?.focus({ preventScroll: true });
  return box;
}
