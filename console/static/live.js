// Keeps a staff page current. The stream carries fingerprints only; the words come from the page's own address.
// Tells others: "pane-replaced" after each refresh, "link" { isLive } when the live link is lost or back.
const LOST_AFTER_MS = 10000;
const REOPEN_AFTER_MS = 3000;
const LOOK_EVERY_MS = 20000;
const FETCH_LIMIT_MS = 8000;
const OUT_OF_LIST_MS = 2000;
// A pointer left lying on the list is nobody's: the order may not be old for longer than this.
const NOBODY_THERE_MS = 60000;
const ORDER_TOLD_MS = 15000;

const byId = (id) => document.getElementById(id);
const pane = () => byId("pane");
const isQueue = pane().dataset.pane === "queue";
let stream, lostTimer, orderTimer, isRefreshing = false, isDue = false;
let liveAt = new Date(), inListAt = 0, actedAt = 0;

const clock = (time) => time.toLocaleTimeString("en-GB");
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

function showLost() {
  byId("link-lost-at").textContent = clock(liveAt);
  byId("link-lost").hidden = false;
  document.body.classList.remove("is-live");
  tell("link", { isLive: false });
}

function showLive() {
  clearTimeout(lostTimer);
  lostTimer = undefined;
  liveAt = new Date();
  byId("link-lost").hidden = true;
  document.body.classList.add("is-live");
  tell("link", { isLive: true });
}

function loseSoon() {
  lostTimer ??= setTimeout(showLost, LOST_AFTER_MS);
}

function showSignedOut() {
  stream?.close();
  clearTimeout(lostTimer);
  // On a shift the page stays, with its bar and its tone: the log-in page would be silent, and nobody would know.
  const isOnShift = !["off", undefined].includes(document.body.dataset.sound);
  if (!byId("text")?.value && !isOnShift) return location.reload();
  tell("link", { isLive: false });
  byId("signed-out").hidden = false;
}

async function ask(address, headers) {
  const answer = await fetch(address, { headers, signal: AbortSignal.timeout(FETCH_LIMIT_MS), redirect: "error" });
  if (answer.status === 401) return showSignedOut();
  if (!answer.ok) throw new Error(`answer ${answer.status}`);
  liveAt = new Date();
  return answer.text();
}

async function refresh() {
  isDue = true;
  if (isRefreshing) return;
  isRefreshing = true;
  while (isDue) {
    isDue = false;
    try {
      const headers = { "X-Pane": pane().dataset.pane, "X-Seen": byId("last-seen")?.value ?? "", "X-Have": pane().dataset.edition ?? "" };
      const html = await ask(location.pathname + location.search, headers);
      if (html) takeIn(html);
    } catch {
      loseSoon();
    }
  }
  isRefreshing = false;
}

function takeIn(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const incoming = document.importNode(page.querySelector("#pane"), true);
  replaceAlarms(page.querySelector("#alarms"));
  const old = pane();
  if (isQueue && !hasAllNamed(incoming)) {
    // Asked for again, whole.
    delete old.dataset.edition;
    isDue = true;
    return;
  }
  const news = old.dataset.news;
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  if (isQueue) morphQueue(old, incoming);
  else old.replaceWith(incoming);
  if (focused && document.activeElement?.id !== focused) (byId(focused) ?? byId("main")).focus({ preventScroll: true });
  if (pane().dataset.title) document.title = pane().dataset.title;
  if (pane().dataset.news !== news) byId("news").textContent = pane().dataset.news;
  tell("pane-replaced", { old, incoming });
}

// Said aloud when it changes, and only then.
function replaceAlarms(incoming) {
  const bar = byId("alarms");
  if (bar && incoming && bar.innerHTML !== incoming.innerHTML) bar.replaceChildren(...document.importNode(incoming, true).childNodes);
}

// --- the list: rows change where they stand, and keep their order while somebody is in it ---

const list = () => pane().querySelector("tbody");
const isInList = () => Boolean(list()?.matches(":hover, :focus-within"));

function mayReorder() {
  const now = Date.now();
  if (isInList() && now - actedAt < NOBODY_THERE_MS) inListAt = now;
  return now - inListAt >= OUT_OF_LIST_MS;
}

function morphQueue(old, incoming) {
  const [before, after] = [old, incoming].map((each) => each.querySelector("tbody"));
  for (const { name, value } of incoming.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (!before || !after) {
    old.replaceChildren(...incoming.childNodes);
    return showHeld(false);
  }
  const isDanger = [...after.querySelectorAll("[data-danger]")].some((row) => !before.querySelector(`#${row.id}[data-danger]`));
  const isHeld = !isDanger && !mayReorder();
  const hadOrder = [...before.rows].map((row) => row.id).join();
  const rows = arrange(before, after, isHeld);
  const isOther = rows.wanted.map((row) => row.id).join() !== rows.shown.map((row) => row.id).join();
  replaceRest(old, incoming);
  place(before, rows.shown);
  showHeld(isHeld && isOther);
  if (isDanger && hadOrder) sayOrderChanged();
}

// `wanted`: as the queue has it. `shown`: as it was, what is gone marked and what is new at the end.
function arrange(before, after, isHeld) {
  const incoming = [...after.rows];
  const wanted = incoming.map((row) => morphRow(before.querySelector(`#${row.id}`), row));
  if (!isHeld) return { wanted, shown: wanted };
  const still = new Set(wanted);
  const shown = [...before.rows].map((row) => (still.has(row) ? row : markGone(row)));
  return { wanted, shown: [...shown, ...wanted.filter((row) => !shown.includes(row))] };
}

// Rows that look as they did are only named.
function hasAllNamed(incoming) {
  return [...incoming.querySelectorAll("[data-same]")].every((row) => byId(row.id)?.matches(":not(.row-gone)"));
}

// A button is not replaced under the finger that presses it: only cells that say something else change.
function morphRow(old, incoming) {
  if (!old) return incoming;
  if (incoming.hasAttribute("data-same")) return old;
  for (const { name } of [...old.attributes]) if (!incoming.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of incoming.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  [...incoming.cells].forEach((cell, at) => {
    if (old.cells[at].innerHTML !== cell.innerHTML) old.cells[at].replaceChildren(...cell.childNodes);
  });
  return old;
}

function markGone(row) {
  if (row.classList.contains("row-gone")) return row;
  row.classList.add("row-gone");
  for (const button of row.querySelectorAll("button")) button.disabled = true;
  row.querySelector("[data-label=Status]").replaceChildren(byId("row-gone").content.cloneNode(true));
  return row;
}

function place(body, rows) {
  rows.forEach((row, at) => { if (body.rows[at] !== row) body.insertBefore(row, body.rows[at] ?? null); });
  while (body.rows.length > rows.length) body.lastElementChild.remove();
}

// Everything but the table.
function replaceRest(old, incoming) {
  const [kept, table] = [old, incoming].map((each) => each.querySelector(".table-wrap"));
  const around = [...incoming.children];
  const at = around.indexOf(table);
  const same = [...old.children].filter((each) => each !== kept);
  const fresh = around.filter((each) => each !== table);
  if (same.length === fresh.length) {
    same.forEach((each, index) => { if (each.outerHTML !== fresh[index].outerHTML) each.replaceWith(fresh[index]); });
    return;
  }
  for (const each of same) each.remove();
  kept.before(...around.slice(0, at));
  kept.after(...around.slice(at + 1));
}

function showHeld(isHeld) {
  byId("held-order").hidden = !isHeld;
  clearInterval(orderTimer);
  if (isHeld) orderTimer = setInterval(() => { if (mayReorder()) refresh(); }, 500);
}

function sayOrderChanged() {
  const told = byId("order-news");
  told.textContent = pane().dataset.dangerNews;
  setTimeout(() => { told.textContent = ""; }, ORDER_TOLD_MS);
}

if (isQueue) {
  const noteActed = () => { actedAt = Date.now(); if (isInList()) inListAt = actedAt; };
  for (const kind of ["pointermove", "pointerdown", "keydown", "focusin", "wheel"]) document.addEventListener(kind, noteActed, { passive: true });
  byId("put-in-order").addEventListener("click", () => { inListAt = 0; refresh(); });
}

// --- the link ---

function open() {
  stream?.close();
  stream = new EventSource(pane().dataset.events);
  stream.addEventListener(pane().dataset.pane, (event) => {
    showLive();
    event.data === "signed-out" ? showSignedOut() : refresh();
  });
  stream.onopen = showLive;
  stream.onerror = () => {
    loseSoon();
    // A refused stream is not tried again by the browser: the next look finds out why.
    if (stream.readyState === EventSource.CLOSED) look();
  };
}

async function look() {
  try {
    if (isQueue) await refresh();
    else await ask("/health/live");
    if (stream.readyState === EventSource.CLOSED && !document.hidden) setTimeout(open, REOPEN_AFTER_MS);
  } catch {
    loseSoon();
  }
}

// A browser holds six connections to one place. A hidden conversation gives its own back; a queue never does.
document.addEventListener("visibilitychange", () => {
  if (isQueue) return;
  if (document.hidden) stream.close();
  else open();
});
setInterval(look, LOOK_EVERY_MS);
open();
