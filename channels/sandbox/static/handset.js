// Fetches this same page while it is in view, and swaps in the thread and the list of handsets when they changed.
const PAUSE = 1000;
let tag = null;

function scrollToNewest() {
  const thread = document.getElementById("thread");
  thread.scrollTop = thread.scrollHeight;
}

function replace(id, page) {
  const now = document.getElementById(id);
  const next = page.getElementById(id);
  if (next && now.innerHTML !== next.innerHTML) now.replaceChildren(...next.childNodes);
}

async function look() {
  const headers = tag ? { "If-None-Match": tag } : {};
  const answer = await fetch(location.pathname, { headers, cache: "no-store" });
  if (answer.status !== 200) return;
  tag = answer.headers.get("ETag");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const before = document.querySelectorAll("#thread li").length;
  replace("thread", page);
  replace("handsets", page);
  if (document.querySelectorAll("#thread li").length !== before) scrollToNewest();
}

async function keepLooking() {
  // A sandbox that is restarting is looked for again at the next turn.
  if (!document.hidden) await look().catch(() => {});
  setTimeout(keepLooking, PAUSE);
}

function sendOnEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit();
}

const box = document.getElementById("body");
box.addEventListener("keydown", sendOnEnter);
(document.querySelector("[aria-invalid]") ?? box).focus({ preventScroll: true });
scrollToNewest();
keepLooking();
