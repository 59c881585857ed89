// How far the readers are; renewed every few seconds.

import { element } from "/assets/questions.js";
import { TEXTS, fill } from "/assets/texts.js";

const texts = TEXTS.coordinator;
let csrf = "";

async function refresh() {
  const response = await fetch("/api/progress");
  if (response.status === 401) {
    location.href = "/sign-in";
    return;
  }
  const page = await response.json();
  csrf = page.csrf;
  document.getElementById("title").textContent = page.title;
  const head = document.createElement("tr");
  for (const name of [texts.reader, texts.done, "", texts.last, texts.pace]) head.append(element("th", name));
  const rows = page.readers.map((reader) => {
    const row = document.createElement("tr");
    const bar = document.createElement("progress");
    bar.max = reader.total;
    bar.value = reader.done;
    bar.setAttribute("aria-label", texts.done);
    const cell = document.createElement("td");
    cell.append(bar);
    row.append(
      element("th", reader.simulated ? `${reader.reader} (${texts.simulatedTag})` : reader.reader),
      element("td", `${reader.done} / ${reader.total}`),
      cell,
      element("td", reader.last_ms ? new Date(reader.last_ms).toLocaleString() : texts.never),
      element("td", reader.mean_s === null ? "" : reader.mean_s.toFixed(1)),
    );
    return row;
  });
  document.getElementById("readers").replaceChildren(head, ...rows);
  document.getElementById("log").textContent = fill(texts.log, page.log);
}

document.title = texts.title;
document.getElementById("where").textContent = texts.title;
document.getElementById("note").textContent = texts.note;
document.getElementById("sign-out").textContent = TEXTS.signOut;
document.getElementById("sign-out").addEventListener("click", async () => {
  await fetch("/sign-out", { method: "POST", headers: { "x-csrf-token": csrf } });
  location.href = "/sign-in";
});
refresh();
setInterval(refresh, 5000);
