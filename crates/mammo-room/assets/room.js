// A reader's way through the study. The room says what is asked; this page shows it and sends the answers.

import { Clock } from "/assets/clock.js";
import { decode } from "/assets/png.js";
import { Question, element, words } from "/assets/questions.js";
import { TEXTS, fill } from "/assets/texts.js";
import { Viewer } from "/assets/viewer.js";

const $ = (id) => document.getElementById(id);
const stage = $("stage");
const panel = $("panel");
const clock = new Clock();
const viewer = new Viewer(stage, showView);
const question = new Question(panel, submit);

let state = null;
let asked = performance.now(); // when the reader asked for what comes
let paint = 0;
let shownAt = 0; // the position of the pictures on the stage
let busy = false;
let greeted = new Set(); // pages between, each shown once
let back = null; // the position that the reader went back to
const loaded = new Map(); // pictures by address

async function ask(path, options = {}) {
  const headers = { "x-csrf-token": state?.csrf || "" };
  if (options.body) headers["content-type"] = "application/json";
  const response = await fetch(path, { ...options, headers, credentials: "same-origin" });
  if (response.status === 401) {
    location.href = "/sign-in";
    throw new Error("signed out");
  }
  return response;
}

// Sends until the room has heard.
async function tell(path, body) {
  for (let wait = 300; ; wait = Math.min(wait * 1.6, 5000)) {
    try {
      const response = await ask(path, { method: "POST", body: JSON.stringify(body) });
      if (response.status < 500) {
        status("");
        if (!response.ok) {
          status(fill(TEXTS.refused, { why: (await response.text()).trim() }));
          return null;
        }
        return await response.json();
      }
    } catch (error) {
      if (error.message === "signed out") throw error;
    }
    status(TEXTS.lost);
    await new Promise((done) => setTimeout(done, wait));
  }
}

function status(text) {
  $("status").textContent = text;
}

function picture(address) {
  if (!loaded.has(address)) {
    const coming = ask(address).then(async (response) => {
      if (!response.ok) throw new Error("no picture");
      return decode(await response.arrayBuffer());
    });
    coming.catch(() => loaded.delete(address));
    loaded.set(address, coming);
  }
  return loaded.get(address);
}

async function refresh(position) {
  const response = await ask(position ? `/api/state?position=${position}` : "/api/state");
  state = await response.json();
  await show();
}

// Shows where the reader stands.
async function show() {
  $("title").textContent = state.title;
  document.title = state.title;
  $("reader").textContent = state.reader;
  $("simulated").hidden = !state.simulated;
  clock.limit = state.idle_after_s * 1000;
  document.body.dataset.phase = state.phase;
  document.body.dataset.question = state.step?.question || "";
  document.body.dataset.position = state.step?.position || "";
  bar(state.phase === "done" ? 1 : state.step ? (state.step.position - 1) / state.total : 0);
  if (state.phase !== "read") {
    clearStage();
    $("where").textContent = "";
    if (state.phase === "check") check();
    else if (state.phase === "wait") words(panel, TEXTS.wait, { date: new Date(state.wait_until_ms).toLocaleString() });
    else words(panel, TEXTS.done, { total: state.total });
    return;
  }
  const step = state.step;
  $("where").textContent = [
    state.sessions > 1 ? fill(TEXTS.sitting, { session: step.session, sessions: state.sessions }) : "",
    fill(TEXTS.progress, { kind: TEXTS.kinds[step.kind], number: step.number, of: step.of_kind }),
  ].filter(Boolean).join(" · ");
  const between = pageBetween(step);
  if (between) {
    clearStage();
    words(panel, between.texts, between.values, () => {
      asked = performance.now();
      show();
    });
    return;
  }
  if (shownAt !== step.position) {
    let images;
    try {
      status(loaded.has(step.pictures[0]) ? "" : TEXTS.loading);
      images = await Promise.all(step.pictures.map(picture));
    } catch {
      status(TEXTS.failed);
      return;
    }
    status("");
    document.body.classList.remove("words");
    viewer.show(images, step.kind === "pair" ? [TEXTS.left, TEXTS.right] : [], TEXTS.imageLabel);
    shownAt = step.position;
  } else {
    viewer.newQuestion();
  }
  question.show(step.question, step.kind !== "pair", step.answers.find((a) => a.question === step.question));
  await new Promise(requestAnimationFrame);
  paint = performance.now() - asked;
  document.body.dataset.paint = paint.toFixed(1);
  document.body.dataset.ready = `${step.position}/${step.question}`;
  clock.restart();
  for (const address of state.next) picture(address);
  for (const address of loaded.keys()) {
    if (!step.pictures.includes(address) && !state.next.includes(address)) loaded.delete(address);
  }
}

function bar(share) {
  $("bar").value = share;
}

function clearStage() {
  stage.replaceChildren();
  viewer.panes = [];
  shownAt = 0;
  document.body.classList.add("words");
  document.body.dataset.ready = "";
}

// What is said before a step, once.
function pageBetween(step) {
  if (back !== null) return null;
  const first = step.question !== "tampering";
  const once = (name, texts, values) => {
    if (greeted.has(name)) return null;
    greeted.add(name);
    return { texts, values };
  };
  if (!first) return null;
  if (step.kind === "training" && step.number === 1) return once("welcome", TEXTS.welcome, { n: step.of_kind });
  if (step.kind === "single" && step.number === 1) {
    return once("begin", { ...TEXTS.begin, text: state.go_back ? TEXTS.begin.textBack : TEXTS.begin.text }, {});
  }
  if (step.kind === "pair" && step.number === 1) return once("pairs", TEXTS.pairs, {});
  if (step.opens_sitting) {
    return once(`sitting ${step.session}`, TEXTS.nextSitting, { session: step.session, sessions: state.sessions });
  }
  const every = state.break_every;
  if (every && step.kind === "single" && step.number > 1 && (step.number - 1) % every === 0) {
    return once(`break ${step.position}`, TEXTS.pause, { done: step.position - 1, total: state.total });
  }
  return null;
}

async function submit(answer) {
  if (busy) return;
  busy = true;
  document.body.dataset.ready = "";
  asked = performance.now();
  const step = state.step;
  const body = {
    position: step.position,
    question: step.question,
    ...answer,
    mark: step.kind === "pair" ? null : viewer.mark,
    ...clock.read(),
    paint_ms: Math.round(paint),
    view: viewer.view(),
  };
  const said = await tell("/api/answer", body);
  busy = false;
  if (!said) {
    back = null;
    await refresh();
    return;
  }
  if (back !== null && step.question === "malignancy") {
    // The second question about the image that the reader went back to.
    await again(step.position, "tampering");
    return;
  }
  back = null;
  const next = () => {
    state = said.state;
    return show();
  };
  if (said.feedback) {
    const { label, modified } = said.feedback;
    const text = [TEXTS.feedback[label], modified ? TEXTS.feedback.modified : TEXTS.feedback.original];
    words(panel, { ...TEXTS.feedback, text }, {}, () => {
      asked = performance.now();
      next();
    });
    document.body.dataset.ready = "feedback";
  } else {
    await next();
  }
}

async function again(position, name) {
  const response = await ask(`/api/state?position=${position}`);
  state = await response.json();
  if (state.step && state.step.position === position) state.step.question = name;
  await show();
}

// The image before this one.
async function goBack() {
  if (!state?.go_back || state.phase !== "read" || state.step.position < 2) return;
  back = state.step.position - 1;
  asked = performance.now();
  await refresh(back);
}

// The display check.
function check() {
  const box = words(panel, { title: TEXTS.check.title, text: [TEXTS.check.intro], go: TEXTS.check.go }, {}, async () => {
    asked = performance.now();
    const said = await tell("/api/event", {
      event: "display_check",
      screen_width_px: screen.width,
      screen_height_px: screen.height,
      device_pixel_ratio: devicePixelRatio,
      window_width_px: innerWidth,
      window_height_px: innerHeight,
      sees_dark: dark.checked,
      sees_bright: bright.checked,
    });
    if (said) {
      state = said;
      await show();
    }
  });
  const fields = document.createElement("div");
  fields.className = "fields";
  for (const [outer, inner] of [["#000000", "#0d0d0d"], ["#ffffff", "#f2f2f2"]]) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [180, 120];
    const context = canvas.getContext("2d");
    context.fillStyle = outer;
    context.fillRect(0, 0, 180, 120);
    context.fillStyle = inner;
    context.fillRect(60, 30, 60, 60);
    fields.append(canvas);
  }
  const box1 = tick("dark", TEXTS.check.dark);
  const box2 = tick("bright", TEXTS.check.bright);
  const [dark, bright] = [box1.firstChild, box2.firstChild];
  const size = { width: innerWidth, height: innerHeight };
  const enough = Math.max(innerWidth, innerHeight) >= 900 && Math.min(innerWidth, innerHeight) >= 700;
  const note = element("p", fill(enough ? TEXTS.check.enough : TEXTS.check.small, size), "hint");
  box.lastChild.before(fields, box1, box2, note, element("p", TEXTS.check.unseen, "hint"));
}

function tick(name, text) {
  const label = document.createElement("label");
  label.className = "tick";
  const input = document.createElement("input");
  input.type = "checkbox";
  input.name = name;
  label.append(input, element("span", text));
  return label;
}

// The line under the image.
function showView() {
  if (!viewer.panes.length) return;
  const view = viewer.view();
  $("readout").textContent = fill(TEXTS.tools.readout, {
    width: view.window_width,
    center: view.window_center,
    zoom: view.zoom.toFixed(2),
  });
  $("preset").textContent = `${TEXTS.tools.preset}: ${TEXTS.tools.presets[viewer.preset] || "–"}`;
  $("invert").setAttribute("aria-pressed", view.inverted);
  $("smooth").setAttribute("aria-pressed", view.smoothed);
  if (state?.step && state.step.kind !== "pair" && question.mark) {
    question.hint(viewer.marking ? TEXTS.markNow : viewer.mark ? TEXTS.markSet : TEXTS.markHint);
  }
}

// Overlays.
function open(dialog) {
  if (!dialog.open) dialog.showModal();
}

function comment() {
  if (!state?.step) return;
  $("words").value = "";
  open($("comment-box"));
  $("words").focus();
}

async function saveComment() {
  const text = $("words").value.trim();
  $("comment-box").close();
  if (text) await tell("/api/event", { event: "comment", position: state.step.position, text });
}

async function pause() {
  if (state?.phase !== "read" || !shownAt) return;
  const since = performance.now();
  await tell("/api/event", { event: "break", begins: true });
  $("pause-box").dataset.since = since;
  open($("pause-box"));
}

function resume() {
  clock.skip(Number($("pause-box").dataset.since));
  tell("/api/event", { event: "break", begins: false });
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const inField = document.activeElement?.id === "score";
  const inList = ["radio", "range", "checkbox"].includes(document.activeElement?.type);
  const key = event.key;
  if (state?.phase === "check") {
    if (key === "d" || key === "b") document.querySelector(`input[name=${key === "d" ? "dark" : "bright"}]`)?.click();
    return;
  }
  if (key === "?") open($("keys-box"));
  else if (!shownAt) return;
  // Fields and buttons know Enter themselves.
  else if (key === "Enter" && !["INPUT", "BUTTON"].includes(document.activeElement?.tagName)) question.submit();
  else if (key === "Escape") {
    viewer.marking = false;
    viewer.draw();
  } else if (key === "Backspace" && inField && $("score").value !== "") return;
  else if (key === "Backspace") goBack();
  else if (key.startsWith("Arrow") && !inList) {
    const step = 40;
    viewer.pan({ ArrowLeft: step, ArrowRight: -step }[key] || 0, { ArrowUp: step, ArrowDown: -step }[key] || 0);
  } else if (key in SHORTCUTS) SHORTCUTS[key]();
  else if (panel.querySelector("fieldset") && question.key(key)) event.preventDefault();
  else return;
  event.preventDefault();
}

const SHORTCUTS = {
  i: () => viewer.invert(),
  s: () => viewer.smooth(),
  z: () => viewer.oneToOne(),
  r: () => viewer.reset(),
  w: () => viewer.nextPreset(),
  "[": () => viewer.changeWindow(1 / 1.15, 0),
  "]": () => viewer.changeWindow(1.15, 0),
  ",": () => viewer.changeWindow(1, 0.05),
  ".": () => viewer.changeWindow(1, -0.05),
  "+": () => viewer.zoomBy(1.25),
  "=": () => viewer.zoomBy(1.25),
  "-": () => viewer.zoomBy(0.8),
  m: () => {
    if (state.step.kind === "pair") return;
    viewer.marking = true;
    viewer.draw();
  },
  x: () => {
    viewer.mark = null;
    viewer.draw();
  },
  k: comment,
  p: pause,
};

function build() {
  $("bar").setAttribute("aria-label", TEXTS.progressLabel);
  $("image").setAttribute("aria-label", TEXTS.imageLabel);
  $("notice").textContent = TEXTS.notice;
  $("simulated").textContent = TEXTS.simulated;
  for (const [id, text, act] of [
    ["help", TEXTS.help, () => open($("keys-box"))],
    ["comment", TEXTS.comment, comment],
    ["sign-out", TEXTS.signOut, async () => {
      await ask("/sign-out", { method: "POST" });
      location.href = "/sign-in";
    }],
    ["preset", TEXTS.tools.preset, () => viewer.nextPreset()],
    ["invert", TEXTS.tools.invert, () => viewer.invert()],
    ["smooth", TEXTS.tools.smooth, () => viewer.smooth()],
    ["one", TEXTS.tools.one, () => viewer.oneToOne()],
    ["fit", TEXTS.tools.fit, () => viewer.reset()],
  ]) {
    $(id).textContent = text;
    $(id).addEventListener("click", (event) => {
      act();
      event.currentTarget.blur();
    });
  }
  $("window-hint").textContent = TEXTS.tools.window;
  $("keys-title").textContent = TEXTS.keys.title;
  $("keys-close").textContent = TEXTS.keys.close;
  for (const [keys, what] of TEXTS.keys.rows) {
    const row = document.createElement("tr");
    row.append(element("th", keys), element("td", what));
    $("keys").append(row);
  }
  $("keys-close").addEventListener("click", () => $("keys-box").close());
  $("comment-title").textContent = TEXTS.commentBox.title;
  $("comment-hint").textContent = TEXTS.commentBox.hint;
  $("comment-save").textContent = TEXTS.commentBox.save;
  $("comment-cancel").textContent = TEXTS.commentBox.cancel;
  $("words").setAttribute("aria-label", TEXTS.commentBox.title);
  $("comment-save").addEventListener("click", saveComment);
  $("comment-cancel").addEventListener("click", () => $("comment-box").close());
  $("words").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.ctrlKey) saveComment();
  });
  $("pause-title").textContent = TEXTS.paused.title;
  $("pause-text").textContent = TEXTS.paused.text;
  $("pause-go").textContent = TEXTS.paused.go;
  $("pause-go").addEventListener("click", () => $("pause-box").close());
  $("pause-box").addEventListener("close", resume);
  document.addEventListener("keydown", pressed);
}

build();
refresh();
