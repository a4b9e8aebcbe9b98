// The message page, live: sends without a reload and shows new messages as they come.
// All of it is an extra. When any of it fails, the plain form and link do the work.

const find = (id) => document.getElementById(id)
const log = find('log')
const form = find('composer')
const box = find('text')
const words = form.dataset

const RETRY_AFTER_MS = [0, 2000, 6000]
const GIVE_UP_MS = 15000
const ANNOUNCED_MS = 1000
const OFFLINE_MS = 20000
const POLL_MS = 10000

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const tell = (state) => { find('state').textContent = state }

// --- sending ---------------------------------------------------------------------------------

let isSending = false
let isPlain = false

// Browsers from before 2022 cannot say which button was pressed; there the plain form does the work.
if (form.requestSubmit) form.addEventListener('submit', (event) => {
  const button = event.submitter ?? find('send')
  const choice = button.name === 'choice' ? button.value : ''
  // The server's page has the words for an empty box.
  if (isPlain || (!choice && !box.value.trim())) return
  event.preventDefault()
  if (!isSending) send(choice, button)
})

async function send(choice, button) {
  isSending = true
  const written = box.value
  tell(words.sending)
  const fields = choice ? { choice } : { text: written }
  const answer = await post(new URLSearchParams({ msg_id: find('msg_id').value, ...fields }))
  isSending = false
  if (!answer) return tell(choice ? words.choiceNotSent : words.notSent)
  if (!answer.ok) return sendPlainly(button)
  find('msg_id').value = newMessageId()
  if (!choice && box.value === written) box.value = ''
  if (choice) box.focus()
  show(await answer.text(), true)
  tell(words.sent)
}

// The same form and id each time, so a message that did arrive is not sent twice. Null: nobody answered.
async function post(body) {
  for (const wait of RETRY_AFTER_MS) {
    if (wait) tell(words.tryingAgain)
    await pause(wait)
    try {
      const answer = await ask('/m', { method: 'POST', body })
      if (answer.status < 500) return answer
    } catch { /* no link; the next try may find one */ }
  }
  return null
}

function ask(url, options = {}) {
  const patience = new AbortController()
  setTimeout(() => patience.abort(), GIVE_UP_MS)
  return fetch(url, { ...options, headers: { 'X-Pane': 'log' }, signal: patience.signal })
}

function sendPlainly(button) {
  isPlain = true
  form.requestSubmit(button)
}

function newMessageId() {
  const bytes = crypto.getRandomValues(new Uint8Array(8))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

// --- showing ---------------------------------------------------------------------------------

function show(html, isOwn = false) {
  const page = new DOMParser().parseFromString(html, 'text/html')
  const fresh = page.getElementById('log')
  if (!fresh) return
  const follows = isOwn || isAtEnd()
  const arrived = insertMissing([...fresh.children])
  renewQuickReplies(page.getElementById('quick'))
  if (arrived.length) announce(arrived)
  if (follows && (arrived.length || isOwn)) scrollToEnd()
}

// Only what is missing is added: what is being read, or marked, stays where it is.
function insertMissing(items) {
  const arrived = []
  let next = null
  for (const item of items.reverse()) {
    const present = find(item.id)
    if (!present) {
      log.insertBefore(item, next)
      if (!item.classList.contains('you')) arrived.unshift(item)
    }
    next = present ?? item
  }
  return arrived
}

let laterQuickReplies = null

function renewQuickReplies(fresh) {
  const quick = find('quick')
  if (quick.textContent.replace(/\s+/g, ' ') === fresh.textContent.replace(/\s+/g, ' ')) return
  // Taking a focused button away would move the focus; it waits until the focus leaves.
  if (quick.contains(document.activeElement)) laterQuickReplies = fresh
  else quick.replaceChildren(...fresh.childNodes)
}

find('quick').addEventListener('focusout', () => setTimeout(() => {
  if (laterQuickReplies) renewQuickReplies(laterQuickReplies)
  if (!find('quick').contains(document.activeElement)) laterQuickReplies = null
}))

function announce(items) {
  const line = document.createElement('div')
  line.textContent = items.map(spoken).join('. ')
  find('say').append(line)
  // Left in place, it would be read out again with the next message.
  setTimeout(() => line.remove(), ANNOUNCED_MS)
}

function spoken(item) {
  const who = item.querySelector('.who').firstChild.textContent.trim()
  return `${who}: ${item.querySelector('.words').textContent}`
}

const isAtEnd = () => innerHeight + scrollY > document.documentElement.scrollHeight - 160
const scrollToEnd = () => scrollTo(0, document.documentElement.scrollHeight)

// --- the live link ---------------------------------------------------------------------------

let lostAt = 0
let isEnded = false
let events = null

function linked() {
  lostAt = 0
  if (find('offline').textContent) find('offline').textContent = ''
}

async function refresh() {
  try {
    const answer = await ask('/m')
    if (answer.status === 401) return end()
    if (!answer.ok) return
    linked()
    show(await answer.text())
  } catch { lostAt ||= Date.now() }
}

// Closed here, in another tab or by time: the words of others go, the half-written ones stay.
function end() {
  isEnded = true
  events?.close()
  log.replaceChildren()
  find('ended').hidden = false
}

function listen() {
  if (isEnded) return
  events = new EventSource('/m/events')
  events.onopen = linked
  events.addEventListener('messages', refresh)
  events.onerror = () => {
    lostAt ||= Date.now()
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, POLL_MS)
  }
}

setInterval(() => { if (lostAt && !isEnded) refresh() }, POLL_MS)
setInterval(() => {
  const isLong = lostAt && Date.now() - lostAt > OFFLINE_MS
  if (isLong && !isEnded && !find('offline').textContent) find('offline').textContent = words.offline
}, 1000)

addEventListener('offline', () => { lostAt ||= Date.now() })

find('check').addEventListener('click', (event) => {
  event.preventDefault()
  refresh()
})

if (log.children.length > 1) scrollToEnd()
listen()
