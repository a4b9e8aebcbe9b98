// A passkey: asks our server what is to be signed, the device to sign it, and goes where the server says.
// The place on the page stays hidden where the device has no lock of its own to ask; the PIN beside it always works.

const place = document.querySelector('[data-passkey]')
const button = place.querySelector('button')
const state = place.querySelector('[role=status]')
const isAdding = place.dataset.passkey === 'add'

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0))

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')

const withBytes = (known) => (known ?? []).map((each) => ({ ...each, id: toBytes(each.id) }))

class Refused extends Error {}

async function post(address, value) {
  const answer = await fetch(address, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value)
  })
  if (answer.status === 401) location.replace('/')
  const told = await answer.json().catch(() => ({}))
  if (!answer.ok) throw new Refused(told.problem ?? '')
  return told
}

async function askDevice(options) {
  const publicKey = { ...options, challenge: toBytes(options.challenge) }
  if (isAdding) {
    publicKey.user = { ...options.user, id: toBytes(options.user.id) }
    publicKey.excludeCredentials = withBytes(options.excludeCredentials)
    return navigator.credentials.create({ publicKey })
  }
  publicKey.allowCredentials = withBytes(options.allowCredentials)
  return navigator.credentials.get({ publicKey })
}

function describe(made) {
  const given = made.response
  const response = { clientDataJSON: toText(given.clientDataJSON) }
  if (isAdding) {
    response.attestationObject = toText(given.attestationObject)
  } else {
    response.authenticatorData = toText(given.authenticatorData)
    response.signature = toText(given.signature)
  }
  return { id: made.id, rawId: toText(made.rawId), type: made.type, clientExtensionResults: {}, response }
}

async function press() {
  if (button.getAttribute('aria-disabled') === 'true') return
  button.setAttribute('aria-disabled', 'true')
  state.textContent = place.dataset.asking
  try {
    const options = await post('/my/key/options', { for: isAdding ? 'add' : 'sign' })
    const made = await askDevice(options)
    const told = await post(isAdding ? '/my/key/register' : '/my/key/sign', describe(made))
    location.replace(told.next)
  } catch (fault) {
    // A person who said no on their device has done nothing wrong, and is told how to go on as well.
    state.textContent = fault instanceof Refused && fault.message ? fault.message : place.dataset.stopped
    button.removeAttribute('aria-disabled')
  }
}

const hasLock = async () =>
  Boolean(await window.PublicKeyCredential?.isUserVerifyingPlatformAuthenticatorAvailable?.().catch(() => false))

if (await hasLock()) {
  button.addEventListener('click', press)
  place.hidden = false
  for (const other of document.querySelectorAll('[data-without-passkey]')) other.hidden = true
}
