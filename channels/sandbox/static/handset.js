// Fetches this same page while it is in view, and swaps in what changed.
const PAUSE = 1000;
const LIVE = ["thread", "handsets", "phones", "lockscreen", "clock"];
let tag = null;

function scrollToNewest() {
  const thread = document.getElementById("thread");
  if (thread) thread.scrollTop = thread.scrollHeight;
}

// Says whether `id` is now as it is on `page`.
function replace(id, page) {
  const now = document.getElementById(id);
  const next = page.getElementById(id);
  if (!now || !next) return true;
  // Words that are being changed are left alone until they are saved.
  if (now.contains(document.activeElement) && document.activeElement.matches("textarea, input")) return false;
  const open = [...now.querySelectorAll("li[data-seq] details[open]")].map((each) => each.closest("li").dataset.seq);
  for (const seq of open) {
    for (const each of next.querySelectorAll(`li[data-seq="${seq}"] details`)) each.open = true;
  }
  now.className = next.className;
  if (now.innerHTML !== next.innerHTML) now.replaceChildren(...next.childNodes);
  return true;
}

async function look() {
  const headers = tag ? { "If-None-Match": tag } : {};
  const answer = await fetch(location.pathname, { headers, cache: "no-store" });
  if (answer.status !== 200) return;
  tag = answer.headers.get("ETag");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const before = document.querySelectorAll("#thread li").length;
  if (!LIVE.map((id) => replace(id, page)).every(Boolean)) tag = null;
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
if (box) {
  box.addEventListener("keydown", sendOnEnter);
  box.focus({ preventScroll: true });
}
document.querySelector("[aria-invalid]")?.focus();
scrollToNewest();
keepLooking();
