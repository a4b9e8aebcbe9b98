// Single keys, outside fields only. A page takes part by marking its links and buttons: data-key="r" is followed or
// pressed by R, and so for c (claim), n (note), g (grade), t (transfer), o (outcome), b (break), u (next urgent) and
// escape (back). A mark on a field (data-key="r" on the composer) puts the focus there. Marks inside an element with
// data-keys-scope are for the row the focus is in, or the first; data-row marks the links J and K go through, and Enter
// opens the one with the focus as ever. Nothing acts before the server has said that keys are on (body data-keys, set by
// alerts.js), with Ctrl, Alt or Meta, in a field, or while a dialog is open. `?` opens #keys-dialog of the layout.
const FIELDS = "input, select, textarea, [contenteditable]";
const NAMES = { Escape: "escape" };
const MARKED = new Set(["c", "r", "n", "g", "t", "o", "b", "u", "escape"]);

const isShown = (element) => element.getClientRects().length > 0 && !element.disabled;

function move(by) {
  const rows = [...document.querySelectorAll("[data-row]")].filter(isShown);
  const scope = document.activeElement?.closest("[data-keys-scope]");
  const at = rows.findIndex((row) => row === document.activeElement || scope?.contains(row));
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
  next?.focus();
}

function findMarked(key) {
  const scope = document.activeElement?.closest("[data-keys-scope]");
  const inScope = scope && [...scope.querySelectorAll(`[data-key="${key}" i]`)].find(isShown);
  // A row whose button is not there must not press another row's.
  if (inScope || (scope && document.querySelector(`[data-keys-scope] [data-key="${key}" i]`))) return inScope;
  const marked = [...document.querySelectorAll(`[data-key="${key}" i]`)].filter(isShown);
  // In a list, only the row somebody is on: the first could be anybody.
  return marked.find((each) => !each.closest("[data-keys-scope]"));
}

function act(key) {
  if (key === "j") return move(1);
  if (key === "k") return move(-1);
  if (key === "?") return document.getElementById("keys-dialog").showModal();
  const target = MARKED.has(key) ? findMarked(key) : undefined;
  if (!target) return false;
  if (target.matches(FIELDS)) target.focus();
  else target.click();
}

document.addEventListener("keydown", (event) => {
  if (document.body.dataset.keys !== "on" || event.defaultPrevented || event.repeat || event.isComposing) return;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest?.(FIELDS) || document.querySelector("dialog[open]")) return;
  const key = NAMES[event.key] ?? event.key.toLowerCase();
  if (act(key) !== false) event.preventDefault();
});
