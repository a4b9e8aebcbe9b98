// The composer: how many text messages a reply takes, and what counts as read.
const READ_AFTER_MS = 3000;
const GSM = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà^{}\\[~\]|€\f]*$/;
const byId = (id) => document.getElementById(id);
const form = byId("reply");
const text = byId("text");

function countSegments(words) {
  const isGsm = GSM.test(words);
  const sizes = [...words].map((letter) => (isGsm ? (/[\^{}\\[~\]|€\f]/.test(letter) ? 2 : 1) : letter.length));
  const [alone, joined] = isGsm ? [160, 153] : [70, 67];
  if (sizes.reduce((sum, size) => sum + size, 0) <= alone) return 1;
  let segments = 1, room = joined;
  for (const size of sizes) {
    if (size > room) { segments += 1; room = joined; }
    room -= size;
  }
  return segments;
}

function showSize() {
  const size = byId("reply-size"), words = text.value.trim(), letters = [...words].length;
  const over = letters - Number(form.dataset.longest);
  const segments = form.dataset.channel === "sms" && words ? countSegments(words) : 0;
  const shown = over > 0 ? size.dataset.long : segments > 1 ? size.dataset.many : segments ? size.dataset.one : "";
  const told = shown.replace("{n}", segments).replace("{letters}", letters).replace("{over}", over);
  if (size.textContent !== told) size.textContent = told;
  size.classList.toggle("too-long", over > 0);
}

// A message counts as read once it has been on the screen for a moment, not the moment it arrives.
function watchLatest() {
  const latest = [...document.querySelectorAll(".messages > .by-person")].at(-1);
  if (!latest || !byId("last-seen")) return;
  const seen = byId("pane").dataset.latest;
  let timer;
  new IntersectionObserver(([entry], watcher) => {
    clearTimeout(timer);
    if (!latest.isConnected) return watcher.disconnect();
    const markRead = () => { if (!document.hidden) document.querySelectorAll("[name=last_seen_inbox_id]").forEach((field) => { field.value = seen; }); };
    if (entry.isIntersecting) timer = setTimeout(markRead, READ_AFTER_MS);
  }).observe(latest);
}

document.addEventListener("pane-replaced", ({ detail: { old, incoming } }) => {
  if (old.dataset.owner !== incoming.dataset.owner && !text?.value) location.reload();
  watchLatest();
});

if (form) {
  text.addEventListener("input", showSize);
  if (text.value) { showSize(); text.focus(); }
  document.querySelector(".endings").addEventListener("submit", (event) => {
    if (text.value.trim() && !confirm(byId("reply-size").dataset.leave)) event.preventDefault();
  });
  watchLatest();
}
