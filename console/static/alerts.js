// What is heard, and said in the title, on every page of the desk. Only danger repeats. Tones are made here, from no file.
// The page's texts are data- attributes of #sound. Nothing is said of anybody: ids and numbers are all there is.
const LOOK_EVERY_MS = 5000;
const DANGER_EVERY_MS = 10000;
const LOST_AFTER_MS = 10000;
const LOST_EVERY_MS = 30000;
const FETCH_LIMIT_MS = 8000;
// Hertz and seconds, one after the other.
const TONES = { danger: [[880, 0.25], [660, 0.35]], high: [[660, 0.35]], lost: [[220, 0.7]] };
const LOUDNESS = 0.5;
const UNLOCKED = "waymark-sound", HEARD = "waymark-heard";

const byId = (id) => document.getElementById(id);
const sound = byId("sound");
let context, state, dangerAt = -Infinity, lostAt = -Infinity, failedSince, isLinkLost = false, isSignedOut = false;

// --- sound ---

const isRunning = () => context?.state === "running";

// To be called in a press of a key or button: a browser lets nothing else begin to sound.
async function unlock() {
  context ??= new AudioContext();
  context.onstatechange = showSound;
  if (!isRunning()) await context.resume().catch(() => {});
  if (isRunning()) sessionStorage.setItem(UNLOCKED, "1");
  showSound();
}

function play(kind) {
  if (!isRunning()) return false;
  let at = context.currentTime;
  for (const [hertz, seconds] of TONES[kind]) {
    const source = context.createOscillator(), volume = context.createGain();
    source.frequency.value = hertz;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(LOUDNESS, at + 0.02);
    volume.gain.setValueAtTime(LOUDNESS, at + seconds - 0.05);
    volume.gain.linearRampToValueAtTime(0, at + seconds);
    source.connect(volume).connect(context.destination);
    source.start(at);
    source.stop(at + seconds);
    at += seconds;
  }
  document.dispatchEvent(new CustomEvent("tone", { detail: { kind } }));
  return true;
}

const mayAlert = () => Boolean(state?.on_shift && !state.on_break);

function showSound() {
  const now = !state?.on_shift ? "off" : state.on_break ? "on-break" : isRunning() ? "on" : "blocked";
  document.body.dataset.sound = now;
  sound.textContent = sound.getAttribute(`data-${now}`);
  sound.hidden = now === "blocked";
  byId("sound-blocked").hidden = now !== "blocked";
}

// --- what there is to say ---

function readHeard() {
  return new Set(JSON.parse(sessionStorage.getItem(HEARD) ?? "[]"));
}

function sayNew() {
  const heard = readHeard(), urgent = [...state.danger, ...state.high, ...state.offers];
  const fresh = urgent.filter((id) => !heard.has(id));
  if (!mayAlert()) return;
  const isHighNew = fresh.some((id) => !state.danger.includes(id));
  // What could not be heard stays new, for when the sound is let in.
  if (isHighNew && !play("high")) return;
  sessionStorage.setItem(HEARD, JSON.stringify(urgent));
  if (fresh.length && document.hidden && window.Notification?.permission === "granted") {
    new Notification(sound.dataset.notice, { tag: "waymark-urgent" });
  }
}

function repeat() {
  const now = performance.now();
  if (!mayAlert()) return;
  if (!state.danger.length) dangerAt = -Infinity;
  else if (now - dangerAt >= DANGER_EVERY_MS && play("danger")) {
    dangerAt = now;
    navigator.vibrate?.([300, 100, 300]);
  }
  if (!isLost()) lostAt = -Infinity;
  else if (now - lostAt >= LOST_EVERY_MS && play("lost")) lostAt = now;
}

const isLost = () => isSignedOut || isLinkLost || (failedSince !== undefined && performance.now() - failedSince >= LOST_AFTER_MS);

function showTitle() {
  const isQueue = byId("pane")?.dataset.pane === "queue";
  const plain = document.title.replace(/^(! )?/, "").replace(isQueue ? /^$/ : /^\(\d+ danger\) /, "");
  const count = !isQueue && state?.danger.length ? `(${state.danger.length} danger) ` : "";
  const title = `${isLost() ? "! " : ""}${count}${plain}`;
  if (document.title !== title) document.title = title;
}

// Said aloud once for each number of them, on every page but the list that shows them.
function showDanger() {
  const bar = byId("danger-bar"), count = state.danger.length;
  if (bar.dataset.count === String(count)) return;
  bar.dataset.count = count;
  byId("danger-count").textContent = count;
  bar.hidden = !count;
}

// --- looking ---

async function look() {
  try {
    const answer = await fetch("/console/alerts", { headers: { "X-Pane": "alerts" }, signal: AbortSignal.timeout(FETCH_LIMIT_MS), redirect: "error" });
    failedSince = undefined;
    if (!answer.ok) return stop();
    state = await answer.json();
    isSignedOut = false;
    document.body.dataset.keys = state.keys ? "on" : "off";
    if (sessionStorage.getItem(UNLOCKED) && state.on_shift && !context) await unlock();
    showSound();
    showDanger();
    sayNew();
  } catch {
    failedSince ??= performance.now();
  }
  repeat();
  showTitle();
}

// Logged out, or no role for a queue: nothing may sound of what they cannot see. But who kept a shift is not left in
// silence: danger that comes now would be heard by nobody, so the tone of a lost link says so until they log in again.
function stop() {
  if (mayAlert()) isSignedOut = true;
  state = isSignedOut ? { on_shift: true, on_break: false, danger: [], high: [], offers: [] } : undefined;
  showSound();
  showTitle();
}

document.addEventListener("pane-replaced", look);
document.addEventListener("link", ({ detail }) => {
  isLinkLost = !detail.isLive;
  repeat();
  showTitle();
});
for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => { if (state?.on_shift && !isRunning()) unlock().then(look); });
byId("sound-blocked").addEventListener("click", () => unlock().then(look));

// --- the start of a shift ---

const form = byId("start-shift");
if (form) {
  const test = byId("test-sound");
  test.hidden = false;
  test.addEventListener("click", async () => {
    await unlock();
    play("danger");
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await unlock();
    // Asked here and nowhere else. A question nobody answers must not keep them from the desk.
    const asked = window.Notification?.permission === "default" ? Notification.requestPermission() : undefined;
    await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 15000))]);
    form.submit();
  });
}

setInterval(look, LOOK_EVERY_MS);
setInterval(() => { repeat(); showTitle(); }, 1000);
look();
