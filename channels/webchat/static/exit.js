// Leaving fast, on every page: the button, its twin before everything else, or Shift pressed three times.
// The links work without this. With it, leaving never waits for our server.

import { ExitThisPage } from './vendor/exit-this-page.js'

class WaymarkExit extends ExitThisPage {
  constructor(root) {
    super(root)
    // Shift that does something else is writing, marking or switching the keyboard, not leaving. The component
    // looks only at keys that are let go: it sees no mouse, no Alt, and no letter that goes up after its Shift.
    this.isCombined = false
    // Also for whoever opens the button with the middle of the mouse.
    this.$button.href = root.dataset.site
    document.addEventListener('keydown', (event) => this.notice(event), true)
    for (const other of ['pointerdown', 'wheel']) {
      document.addEventListener(other, () => { this.isCombined = true }, { capture: true, passive: true })
    }
  }

  notice(event) {
    if (event.key === 'Shift') {
      if (!event.repeat) this.isCombined = false
      return
    }
    this.isCombined = true
    if (this.keypressCounter > 0) this.resetKeypressTimer()
  }

  handleKeypress(event) {
    if (event.key !== 'Shift') return
    const isAlone = !this.isCombined && !event.altKey && !event.ctrlKey && !event.metaKey
    if (!isAlone) return
    this.lastKeyWasModified = false
    super.handleKeypress(event)
  }

  exitPage() {
    // Whatever goes wrong with the message to our server, the person leaves.
    try { navigator.sendBeacon('/leave') } catch { /* the session ends by itself */ }
    blank(this.i18n.t('activated'))
    location.replace(this.$root.dataset.site)
  }

  // A page the browser kept whole would show its words again after Back: ask the server, which knows who left.
  resetPage(event) {
    if (!event.persisted) return
    blank()
    location.replace(askedAgain())
  }
}

// Taken out, not covered: nothing is left to be read, by eye or by a screen reader.
function blank(spoken = '') {
  const cover = document.createElement('div')
  cover.className = 'govuk-exit-this-page-overlay'
  cover.setAttribute('role', 'alert')
  document.body.replaceChildren(cover)
  cover.textContent = spoken
}

// Without its fragment, or the browser would only scroll. What answers a form alone cannot be asked for again.
const askedAgain = () => ['/start', '/finish'].includes(location.pathname) ? '/m' : location.pathname

document.body.classList.add('govuk-frontend-supported')
new WaymarkExit(document.getElementById('exit'))

for (const extra of document.querySelectorAll('[data-needs-script]')) extra.hidden = false
