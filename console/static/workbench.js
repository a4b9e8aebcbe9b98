// One item at a time. Every control is a button of the page's form and works without this script; with it a key presses
// the button that bears it (data-key), the press goes without a new page, and #item is put in the place of the old one.
// A press that did not arrive stays here and in sessionStorage - ids and codes, no word of anybody - and is sent each
// second until it is kept; the form's own id makes a second copy of it nothing. Keys act in #item alone, outside fields,
// and only while the page says that they are on (body data-keys).
const STORED = "waymark-press";
const RETRY_MS = 1000;
const PATIENCE_MS = 8000;
const MOST_RELOADS = 3;
const FIELDS = "input, select, textarea, [contenteditable]";
const SAME_KEYS = { "=": "+", backspace: "u" };
const AWAY = [502, 503, 504];

const byId = (id) => document.getElementById(id);
const isShown = (element) => element.getClientRects().length > 0 && !element.disabled;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const state = byId("press-state");
let isBusy = false;

function say(text, isFault = false) {
  state.textContent = text;
  state.classList.toggle("is-fault", isFault);
}

// --- a press: sent, sent again, and its answer put on the page -------------------------------------------------------

function store(press) {
  sessionStorage.setItem(STORED, JSON.stringify(press));
}

async function send({ path, fields }) {
  const csrf_token = byId("press").elements.csrf_token.value;
  try {
    const answer = await fetch(path, {
      method: "POST", body: new URLSearchParams({ csrf_token, ...fields }), signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return AWAY.includes(answer.status) ? null : { answer, text: await answer.text() };
  } catch {
    return null;
  }
}

async function press(given) {
  isBusy = true;
  store(given);
  byId("item").setAttribute("aria-busy", "true");
  let found;
  while (!(found = await send(given))) {
    say(state.dataset.notSaved, true);
    await wait(RETRY_MS);
  }
  show(found, given);
}

function show({ answer, text }, given) {
  // Logged out, or in again elsewhere: the press stays, and the page that comes next sends it.
  if (answer.status === 401) return leave(`/login?next=${encodeURIComponent(location.pathname)}`, state.dataset.signedOut);
  if (answer.status === 403 && given.reloads < MOST_RELOADS) {
    store({ ...given, reloads: given.reloads + 1 });
    return location.reload();
  }
  sessionStorage.removeItem(STORED);
  const page = new DOMParser().parseFromString(text, "text/html");
  const incoming = page.getElementById("item");
  if (!incoming) return leave(answer.ok && answer.redirected ? answer.url : "/workbench", "");
  byId("item").replaceWith(incoming);
  byId("session-figures").replaceWith(page.getElementById("session-figures"));
  if (location.pathname + location.search !== incoming.dataset.page) scrollTo(0, 0);
  history.replaceState(null, "", incoming.dataset.page);
  isBusy = false;
  say(answer.redirected ? state.dataset.saved : "");
  prepare();
}

function leave(address, words) {
  say(words, true);
  location.assign(address);
}

document.addEventListener("submit", (event) => {
  const form = event.target, button = event.submitter;
  if (!form.matches("[data-press]") || !button) return;
  event.preventDefault();
  if (isBusy) return;
  const fields = Object.fromEntries(new FormData(form, button));
  delete fields.csrf_token;
  const path = button.getAttribute("formaction") ?? form.getAttribute("action");
  press({ path, fields, by: document.body.dataset.reader, reloads: 0 });
});

// --- keys --------------------------------------------------------------------------------------------------------------

function findPressed(event) {
  const key = event.key.toLowerCase(), meant = SAME_KEYS[key] ?? key;
  // On a button these two press that button.
  if ((key === " " || key === "enter") && document.activeElement.closest("button, a, summary")) return undefined;
  return [...byId("item").querySelectorAll("[data-key]")].find((each) => each.dataset.key.toLowerCase() === meant && isShown(each));
}

document.addEventListener("keydown", (event) => {
  if (document.body.dataset.keys !== "on" || event.defaultPrevented || event.repeat || event.isComposing) return;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const here = document.activeElement, item = byId("item");
  if (here !== document.body && !item.contains(here)) return;
  if (here.closest(FIELDS) || document.querySelector("dialog[open]")) return;
  const target = byId("marking")?.open ? findMark(event) : findPressed(event);
  if (!target) return;
  event.preventDefault();
  // The press before it is not kept yet: the next one waits for eyes that have seen its answer.
  if (!isBusy && target !== true) target.click();
});

// --- marking words -----------------------------------------------------------------------------------------------------

const listWords = () => [...document.querySelectorAll("#message .w")];

function paint(first, last) {
  const from = byId("span_from"), to = byId("span_to");
  [from.value, to.value] = [first, last];
  const [low, high] = [Math.min(first, last), Math.max(first, last)];
  listWords().forEach((word, place) => word.classList.toggle("is-marked", byId("marking").open && place >= low && place <= high));
}

function findMark(event) {
  const first = Number(byId("span_from").value), last = Number(byId("span_to").value), most = listWords().length - 1;
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step) {
    const next = Math.min(Math.max(last + step, 0), most);
    paint(event.shiftKey ? first : next, next);
    return true;
  }
  if (event.key === "Escape") return byId("marking").querySelector("summary");
  return byId("marking").querySelector(`[data-span-key="${CSS.escape(event.key.toLowerCase())}"]`);
}

document.addEventListener("change", ({ target }) => {
  if (target.id === "span_from" || target.id === "span_to") paint(Number(byId("span_from").value), Number(byId("span_to").value));
});

document.addEventListener("toggle", ({ target }) => {
  if (target.id === "marking") paint(Number(byId("span_from").value), Number(byId("span_to").value));
}, true);

document.addEventListener("click", (event) => {
  const word = event.target.closest?.("#message .w");
  if (!word || !byId("marking")?.open) return;
  const place = Number(word.dataset.w);
  paint(event.shiftKey ? Number(byId("span_from").value) : place, place);
});

// --- finding a wish by its name ------------------------------------------------------------------------------------------

function listWishes() {
  return [...byId("item").querySelectorAll('[name="press"][value^="wish:"]')];
}

function search() {
  const sought = byId("find-wish").value.trim().toLowerCase();
  for (const wish of listWishes()) wish.hidden = sought !== "" && !wish.textContent.toLowerCase().includes(sought);
}

document.addEventListener("input", ({ target }) => { if (target.id === "find-wish") search(); });

document.addEventListener("keydown", (event) => {
  if (event.target.id !== "find-wish" || !["Enter", "Escape"].includes(event.key)) return;
  event.preventDefault();
  if (event.key === "Enter" && event.target.value.trim() !== "") return listWishes().find(isShown)?.click();
  event.target.value = "";
  search();
  byId("item").focus();
});

// --- what labels mean, over the page: going there would lose the place -------------------------------------------------

document.addEventListener("click", async (event) => {
  if (event.target.closest?.("#open-search")) {
    byId("wish-search").hidden = false;
    byId("find-wish").focus();
  }
  const link = event.target.closest?.('#guideline, #guideline-shown a[href^="/workbench/guidelines/"]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const label = link.id === "guideline" && document.activeElement.value?.match(/^(?:risk|wish):(\w+)$/)?.[1];
  const address = label ? `/workbench/guidelines/${label}` : link.href;
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new Error(`answer ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    byId("guideline-shown").replaceChildren(page.getElementById("guideline-text") ?? page.getElementById("guideline-list"));
    if (!byId("guideline-dialog").open) byId("guideline-dialog").showModal();
  } catch {
    location.assign(address);
  }
});

// --- the page as it comes ----------------------------------------------------------------------------------------------

function prepare() {
  const opener = byId("open-search");
  if (opener) opener.hidden = false;
  byId("item").focus({ preventScroll: true });
}

prepare();
const kept = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
if (kept?.by === document.body.dataset.reader) press(kept);
else sessionStorage.removeItem(STORED);
