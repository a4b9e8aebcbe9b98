// The composer: how many text messages a reply takes, what counts as read, drafts the service keeps, ready-made replies.
const READ_AFTER_MS = 3000;
const COUNT_AFTER_MS = 150;
const KEEP_EVERY_MS = 5000;
const byId = (id) => document.getElementById(id);
const form = byId("reply");
const text = byId("text");

let measuring;
// A form is on its way, and its answer is the next page: the news of what it did can be here before it.
let isGoing = false;
document.addEventListener("submit", (event) => { isGoing = !event.defaultPrevented; });
addEventListener("pageshow", () => { isGoing = false; });

// A page that answered a form lies at the form's address, which nobody can open: say where it can be opened.
const { page } = document.querySelector(".talk").dataset;
if (location.pathname !== page) history.replaceState(null, "", page + location.hash);

// The server counts: as it will leave, with curly quotes made plain. The newest question is the only one answered.
async function showSize() {
  measuring?.abort();
  const { signal } = (measuring = new AbortController());
  await new Promise((resolve) => setTimeout(resolve, COUNT_AFTER_MS));
  if (signal.aborted) return;
  try {
    const answer = await fetch(form.dataset.size, { method: "POST", body: new URLSearchParams(new FormData(form)), signal, redirect: "error" });
    if (!answer.ok) throw new Error(`answer ${answer.status}`);
    const told = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ["reply-count", "reply-warnings"]) replaceIfNew(byId(id), told.getElementById(id));
  } catch {
    // An old number is worse than none.
    if (!signal.aborted) byId("reply-count").textContent = "";
  }
}

function replaceIfNew(old, incoming) {
  if (!incoming) return;
  old.className = incoming.className;
  if (old.innerHTML !== incoming.innerHTML) old.replaceChildren(...incoming.childNodes);
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
    // Covered words are on the screen, and nobody has read them.
    const markRead = () => { if (!document.hidden && !latest.querySelector(".covered:not([open])")) document.querySelectorAll("[name=last_seen_inbox_id]").forEach((field) => { field.value = seen; }); };
    if (entry.isIntersecting) timer = setTimeout(markRead, READ_AFTER_MS);
  }).observe(latest);
}

document.addEventListener("toggle", ({ target }) => { if (target.matches(".covered") && target.open) watchLatest(); }, true);

document.addEventListener("pane-replaced", ({ detail: { old, incoming } }) => {
  // A picture somebody is looking at stays; fetching it again would be another opening in the record.
  for (const seen of old.querySelectorAll(".attachment:has(details[open])")) incoming.querySelector(`#${seen.id}`)?.replaceWith(seen);
  for (const open of old.querySelectorAll(".message:has(.folded[open])")) incoming.querySelector(`#${open.id} .folded`)?.setAttribute("open", "");
  for (const open of old.querySelectorAll(".covered[open]")) incoming.querySelector(`#${open.id}`)?.setAttribute("open", "");
  if (old.dataset.owner !== incoming.dataset.owner && !text?.value && !isGoing) location.reload();
  watchLatest();
});

// --- drafts: kept by the service, so that neither a log-out nor a transfer loses a word -----------

let kept = text?.value ?? "";
let isSending = false, sentText;

// The service keeps nothing more of a composer whose reply has left. Gone back to and changed it is another composer.
function draftBody() {
  const isAnother = sentText !== undefined && text.value !== sentText;
  const form_id = form.elements.form_id.value + (isAnother ? "+" : "");
  return new URLSearchParams({ csrf_token: form.elements.csrf_token.value, form_id, text: text.value });
}

async function keepDraft() {
  const words = text.value;
  if (isSending || words === kept) return;
  try {
    const answer = await fetch(form.dataset.draft, { method: "POST", body: draftBody(), redirect: "error", signal: AbortSignal.timeout(KEEP_EVERY_MS) });
    if (!answer.ok) return;
    kept = words;
    byId("draft-kept").textContent = `${byId("draft-kept").dataset.words} ${new Date().toLocaleTimeString("en-GB")}.`;
  } catch { /* The link bar tells of a lost link; the next look tries again. */ }
}

// What has just been sent must not come back as a draft.
function keepOnLeaving() {
  if (!isSending && text.value !== kept && navigator.sendBeacon(form.dataset.draft, draftBody())) kept = text.value;
}

// --- ready-made replies: "/" where a word may begin opens the list; nothing is ever sent by it ------

const list = byId("canned-list");
let options = [], chosen = 0;

function findSlash() {
  const before = text.value.slice(0, text.selectionStart);
  const found = /(?:^|\s)\/([^\s/]*)$/.exec(before);
  return found && { start: before.length - found[1].length - 1, typed: found[1].toLowerCase() };
}

function showCanned() {
  const slash = findSlash();
  if (!slash) return hideCanned();
  options = [...byId("canned").options].filter((each) => each.value && `${each.value} ${each.text}`.toLowerCase().includes(slash.typed));
  chosen = 0;
  list.replaceChildren(...options.map((each, place) => {
    const row = document.createElement("div");
    row.id = `canned-option-${place}`;
    row.setAttribute("role", "option");
    row.textContent = each.text;
    // Before the box loses its focus.
    row.addEventListener("pointerdown", (event) => { event.preventDefault(); insertCanned(place); });
    return row;
  }));
  list.hidden = !options.length;
  byId("canned-count").textContent = byId("canned-count").dataset.words.replace("{n}", options.length);
  markChosen();
}

function markChosen() {
  [...list.children].forEach((row, place) => row.setAttribute("aria-selected", String(place === chosen)));
  if (options.length) text.setAttribute("aria-activedescendant", `canned-option-${chosen}`);
  else text.removeAttribute("aria-activedescendant");
  list.children[chosen]?.scrollIntoView({ block: "nearest" });
}

function hideCanned() {
  if (list.hidden) return;
  list.hidden = true;
  options = [];
  text.removeAttribute("aria-activedescendant");
  byId("canned-count").textContent = "";
}

function insertCanned(place) {
  const slash = findSlash();
  if (slash) text.setRangeText(options[place].dataset.text, slash.start, text.selectionStart, "end");
  hideCanned();
  showSize();
}

function steer(event) {
  if (event.ctrlKey && event.key === "Enter") {
    event.preventDefault();
    return form.requestSubmit(byId("send"));
  }
  if (list.hidden) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) chosen = (chosen + step + options.length) % options.length;
  else if (event.key === "Enter" || event.key === "Tab") insertCanned(chosen);
  else if (event.key === "Escape") hideCanned();
  else return;
  event.preventDefault();
  event.stopPropagation();
  if (step) markChosen();
}

if (form) {
  text.setAttribute("aria-controls", "canned-list");
  text.setAttribute("aria-haspopup", "listbox");
  text.setAttribute("aria-autocomplete", "list");
  text.addEventListener("input", () => { showSize(); showCanned(); });
  text.addEventListener("keydown", steer);
  text.addEventListener("blur", hideCanned);
  byId("insert").addEventListener("click", (event) => {
    const picked = byId("canned").selectedOptions[0];
    event.preventDefault();
    if (!picked.value) return;
    const before = text.value.trimEnd();
    text.value = before ? `${before}\n${picked.dataset.text}` : picked.dataset.text;
    text.focus();
    showSize();
  });
  form.addEventListener("submit", () => { isSending = true; sentText = text.value; });
  setInterval(keepDraft, KEEP_EVERY_MS);
  addEventListener("pagehide", keepOnLeaving);
  // Back by the browser's own button: the page stands as it was left.
  addEventListener("pageshow", () => { isSending = false; });
  if (text.value) { showSize(); text.focus(); }
  document.querySelector(".endings").addEventListener("submit", (event) => {
    if (text.value.trim() && !confirm(form.dataset.leave)) event.preventDefault();
  });
  watchLatest();
}
