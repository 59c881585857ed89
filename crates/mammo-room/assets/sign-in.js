// Words of the sign-in page, and what was wrong with the last try.

import { TEXTS } from "/assets/texts.js";

const texts = TEXTS.signIn;
for (const [id, text] of [
  ["title", texts.title],
  ["name-label", texts.name],
  ["code-label", texts.code],
  ["go", texts.go],
  ["hint", texts.hint],
  ["notice", TEXTS.notice],
]) {
  document.getElementById(id).textContent = text;
}
document.title = texts.title;
const said = location.search.slice(1);
if (said === "wrong" || said === "wait") document.getElementById("said").textContent = texts[said];
