// Keeps a staff page current. The stream carries fingerprints only; the words come from the page's own address.
const LOST_AFTER_MS = 3000;
const LOOK_EVERY_MS = 20000;
const FETCH_LIMIT_MS = 8000;
const POINTER_REST_MS = 2000;
const LONGEST_DELAY_MS = 5000;

const byId = (id) => document.getElementById(id);
const pane = () => byId("pane");
const isQueue = pane().dataset.pane === "queue";
let stream, lostTimer, isRefreshing = false, isDue = false, pointerMovedAt = 0;
let liveAt = new Date();

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const clock = (time) => time.toLocaleTimeString("en-GB");

function showLost() {
  byId("link-lost-at").textContent = clock(liveAt);
  byId("link-lost").hidden = false;
  document.body.classList.remove("is-live");
}

function showLive() {
  clearTimeout(lostTimer);
  lostTimer = undefined;
  liveAt = new Date();
  byId("link-lost").hidden = true;
  document.body.classList.add("is-live");
}

function loseSoon() {
  lostTimer ??= setTimeout(showLost, LOST_AFTER_MS);
}

function showSignedOut() {
  stream?.close();
  clearTimeout(lostTimer);
  if (!byId("text")?.value) return location.reload();
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
      const headers = { "X-Pane": pane().dataset.pane, "X-Seen": byId("last-seen")?.value ?? "" };
      const html = await ask(location.pathname + location.search, headers);
      if (html) await replacePane(html);
    } catch {
      loseSoon();
    }
  }
  isRefreshing = false;
}

async function replacePane(html) {
  const incoming = document.importNode(new DOMParser().parseFromString(html, "text/html").querySelector("#pane"), true);
  if (isQueue) await untilPointerRests();
  const focused = pane().contains(document.activeElement) ? document.activeElement.id : "";
  const old = pane();
  old.replaceWith(incoming);
  if (focused) (byId(focused) ?? byId("main")).focus({ preventScroll: true });
  if (incoming.dataset.title) document.title = incoming.dataset.title;
  if (incoming.dataset.news !== old.dataset.news) byId("news").textContent = incoming.dataset.news;
  document.dispatchEvent(new CustomEvent("pane-replaced", { detail: { old, incoming } }));
}

// A row must not slip away under a pointer that is about to press it.
async function untilPointerRests() {
  const latest = Date.now() + LONGEST_DELAY_MS;
  const isAiming = () => pane().matches(":hover") && Date.now() - pointerMovedAt < POINTER_REST_MS;
  while (isAiming() && Date.now() < latest) await rest(200);
}

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
    if (stream.readyState === EventSource.CLOSED && !document.hidden) setTimeout(open, LOST_AFTER_MS);
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
document.addEventListener("pointermove", () => { pointerMovedAt = Date.now(); }, { passive: true });
setInterval(look, LOOK_EVERY_MS);
open();
