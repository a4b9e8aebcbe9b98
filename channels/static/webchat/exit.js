// Leaving fast, on every page: the button, or Shift pressed three times.
// The link works without this. With it, leaving never waits for our server.

const exit = document.getElementById('exit')

function leave() {
  navigator.sendBeacon('/leave')
  document.body.replaceChildren()
  location.replace(exit.dataset.site)
}

exit.addEventListener('click', (event) => {
  event.preventDefault()
  leave()
})

const WITHIN_MS = 5000
let presses = []
let isCombined = false

addEventListener('keydown', (event) => {
  if (event.key === 'Shift') return
  isCombined = event.shiftKey
  presses = []
})

addEventListener('keyup', (event) => {
  if (event.key !== 'Shift') return
  // Shift that made a capital letter is writing, not leaving.
  if (isCombined) {
    isCombined = false
    return
  }
  const now = performance.now()
  presses = [...presses.filter((at) => now - at < WITHIN_MS), now]
  if (presses.length === 3) leave()
})

// A page the browser kept whole would show its words again after Back: ask the server, which knows who left.
addEventListener('pageshow', (event) => {
  if (!event.persisted) return
  document.body.replaceChildren()
  location.replace(location.pathname === '/' ? '/' : '/m')
})

for (const extra of document.querySelectorAll('[data-needs-script]')) extra.hidden = false
