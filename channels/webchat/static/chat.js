// The message page, live: sends without a reload and shows new messages as they come.
// All of it is an extra. When any of it fails, the plain form and link do the work.

const find = (id) => document.getElementById(id)
const [log, form, box] = ['log', 'composer', 'text'].map(find)
const words = form.dataset
const RETRY_AFTER_MS = [0, 2000, 6000]
const [ANNOUNCED_MS, POLL_MS, GIVE_UP_MS, OFFLINE_MS] = [1000, 10000, 15000, 20000]
const [NAMED, WARN_S] = [20, 300] // messages the server is told of; seconds before the end

const say = (place, text) => { if (place.textContent !== text) place.textContent = text }
const tell = (state) => say(find('state'), state)

// --- sending ---------------------------------------------------------------------------------
let [isSending, isPlain, isEnded, askedAt] = [false, false, false, Date.now()]

// Browsers from before 2022 cannot say which button was pressed; there the plain form does the work.
if (form.requestSubmit) form.addEventListener('submit', (event) => {
  const button = event.submitter ?? find('send')
  const choice = button.name === 'choice' ? button.value : ''
  // The server's page has the words for an empty box, and the box's words again in another language.
  if (isPlain || isEnded || button.name === 'language' || button.hasAttribute('formaction')) return
  if (!choice && button.name !== 'keep' && !box.value.trim()) return
  event.preventDefault()
  if (button.name === 'keep') return keepOpen()
  if (isSending) return
  // What is longer than the server reads at all would be answered by nothing.
  if (!choice && box.value.length > 2 * words.longest) return complain(words.tooLong)
  send(choice, button)
})
const sendPlainly = (button) => { isPlain = true; form.requestSubmit(button) }

async function send(choice, button) {
  isSending = true
  const written = box.value
  tell(words.sending)
  try {
    const fields = choice ? { choice } : { text: written }
    const answer = await post('/m', { msg_id: find('msg_id').value, ...fields })
    if (!answer) return tell(choice ? words.choiceNotSent : words.notSent)
    if (answer.status === 401) return end()
    if (answer.status === 422) return complain((await answer.text()).trim())
    if (!answer.ok) return sendPlainly(button)
    const html = await answer.text()
    // Something between us, such as a filter, may answer in our place: then nothing was stored.
    if (!html.includes('id="log"')) return tell(choice ? words.choiceNotSent : words.notSent)
    find('msg_id').value = newMessageId()
    if (choice) box.focus()
    else if (box.value === written) box.value = ''
    complain('')
    // Stored: what goes wrong from here on must not send it again under another id.
    try { show(html, true) } catch { return location.replace('/m') }
    tell(words.sent)
  } catch {
    sendPlainly(button)
  } finally { isSending = false }
}

// The same form and id each time, so a message that did arrive is not sent twice. Null: nobody answered.
async function post(url, fields) {
  for (const wait of RETRY_AFTER_MS) {
    if (wait) tell(words.tryingAgain)
    await new Promise((resolve) => setTimeout(resolve, wait))
    try {
      const answer = await ask(url, { method: 'POST', body: new URLSearchParams(fields) })
      if (answer.status < 500) return answer
    } catch { lost() /* the next try may find it */ }
  }
  return null
}

function ask(url, options = {}) {
  askedAt = Date.now()
  const patience = new AbortController()
  setTimeout(() => patience.abort(), GIVE_UP_MS)
  const held = [...log.children].map((item) => item.id).filter((id) => id !== 'hello')
  const headers = {
    'X-Pane': 'log', 'X-Have': held.slice(-NAMED).join(' '), 'X-Count': held.length + Number(log.dataset.older)
  }
  return fetch(url, { ...options, headers, signal: patience.signal })
}

function complain(problem) {
  tell('')
  say(find('problem'), problem)
  find('field').classList.toggle('govuk-form-group--error', Boolean(problem))
  box.removeAttribute('aria-invalid')
  if (problem) { box.setAttribute('aria-invalid', 'true'); box.focus() }
}

const newMessageId = () =>
  [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, '0')).join('')

// A picture pasted or dropped would be lost without a word, or open in place of this page.
function turnAway(event) {
  const brought = event.clipboardData ?? event.dataTransfer
  if (!brought?.types.includes('Files') || brought.types.includes('text/plain')) return
  event.preventDefault()
  if (event.type !== 'dragover') tell(words.pictures)
}
for (const way of ['paste', 'dragover', 'drop']) addEventListener(way, turnAway)

// --- showing ---------------------------------------------------------------------------------
function show(html, isOwn = false) {
  const page = new DOMParser().parseFromString(html, 'text/html')
  const fresh = page.getElementById('log')
  if (!fresh || isEnded) return
  const follows = isOwn || isAtEnd()
  // Another visit began in another tab: nothing of the one before stays.
  const isAnother = fresh.dataset.visit !== log.dataset.visit
  if (isAnother) log.replaceChildren()
  Object.assign(log.dataset, fresh.dataset)
  const arrived = insertMissing([...fresh.children])
  const others = arrived.filter((item) => !item.classList.contains('you'))
  say(find('turn'), page.getElementById('turn').textContent)
  renewQuickReplies(page.getElementById('quick'))
  countDown()
  if (others.length && !isAnother) announce(others)
  if (follows && arrived.length) bringIntoView(arrived[0])
  else if (others.length) offer(others[0])
}

// Only what is missing is added: what is being read, or marked, stays where it is.
function insertMissing(items) {
  const arrived = []
  let next = null
  for (const item of items.reverse()) {
    const present = find(item.id)
    if (!present) {
      log.insertBefore(item, find(item.dataset.before) ?? next)
      arrived.unshift(item)
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
const spoken = (item) =>
  `${item.querySelector('.who span').textContent}: ${item.querySelector('.words').textContent}`

function announce(items) {
  const line = document.createElement('div')
  line.textContent = items.map(spoken).join('. ')
  find('say').append(line)
  // Left in place, it would be read out again with the next message.
  setTimeout(() => line.remove(), ANNOUNCED_MS)
}
const isAtEnd = () => log.getBoundingClientRect().bottom < innerHeight + 40

// Down to the quick replies, but never past where the message begins.
function bringIntoView(item) {
  const toItem = item.getBoundingClientRect().top - document.querySelector('header').offsetHeight - 16
  scrollBy(0, Math.max(0, Math.min(toItem, find('quick').getBoundingClientRect().bottom - innerHeight)))
}

let unread = null
function offer(item) {
  unread = item && (unread ?? item)
  find('newer').hidden = !unread
}

find('newer').addEventListener('click', () => {
  unread.tabIndex = -1
  unread.focus()
  offer(null)
})
// Not under the keyboard, which brought it into view.
addEventListener('scroll', () => { if (isAtEnd() && document.activeElement !== find('newer')) offer(null) })

// --- the live link ---------------------------------------------------------------------------
let [lostAt, events] = [0, null]
const lost = () => { lostAt ||= Date.now() }
const linked = () => { lostAt = 0; say(find('offline'), '') }
async function refresh() {
  try {
    const answer = await ask('/m')
    if (answer.status === 401) return end()
    if (!answer.ok) return
    linked()
    show(await answer.text())
  } catch { lost() }
}

// Closed here, in another tab or by time: the words of others go, the half-written ones stay.
function end() {
  isEnded = true
  events?.close()
  log.replaceChildren()
  log.hidden = true
  for (const place of ['turn', 'closing', 'state', 'offline']) say(find(place), '')
  form.action = '/start'
  // No wish to send: that address gives the words back.
  document.querySelectorAll('button[name=language]').forEach((other) => { other.formAction = '/m' })
  find('keep').hidden = true
  find('ended').hidden = false
}

// The server counts, and what it said last is asked again before anything is said of it: another tab may be busy.
let timer = 0
function countDown() {
  clearTimeout(timer)
  const left = log.dataset.endsIn === '' ? Infinity : log.dataset.endsIn - (Date.now() - askedAt) / 1000
  say(find('closing'), left <= WARN_S ? words.closing : '')
  if (left < Infinity) timer = setTimeout(refresh, 1000 * (1 + (left > WARN_S ? left - WARN_S : left)))
}

async function keepOpen() {
  const answer = await post('/m/keep', {})
  if (answer?.status === 401) return end()
  tell(answer?.ok ? words.kept : words.choiceNotSent)
  if (answer?.ok) show(await answer.text())
}

function listen() {
  if (isEnded || !window.EventSource) return
  events = new EventSource('/m/events')
  events.onopen = linked
  // Of what this page was shown in answer to its own message it is told too; that answer may be on its way still.
  events.addEventListener('messages', ({ data }) => { linked(); setTimeout(
    () => { if (data !== log.dataset.version) refresh() }, isSending ? 300 : 0) })
  events.onerror = () => {
    lost()
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, POLL_MS)
  }
}

setInterval(() => { if ((lostAt || !events) && !isEnded) refresh() }, POLL_MS)
setInterval(() => {
  if (lostAt && Date.now() - lostAt > OFFLINE_MS && !isEnded) say(find('offline'), words.offline)
}, 1000)

addEventListener('offline', lost)
find('check').addEventListener('click', (event) => { event.preventDefault(); refresh() })

if (log.children.length > 1) bringIntoView(log.lastElementChild)
countDown()
listen()
