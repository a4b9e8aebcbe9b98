// Runs before any script of a page: tells the test (`tellTest(check, what)`) of everything a quiet page never does.
(() => {
  const tell = (check, what) => window.tellTest(check, String(what))

  addEventListener('securitypolicyviolation', (event) =>
    tell('policy', `${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`), true)

  const spyOn = (owner, name, check) => {
    if (!owner || !(name in owner)) return
    const real = owner[name]
    owner[name] = function (...given) {
      tell(check, `${name}(${given.join(', ')})`)
      return new.target ? new real(...given) : real.apply(this, given)
    }
    owner[name].prototype = real.prototype
    Object.setPrototypeOf(owner[name], real)
  }
  for (const name of ['Notification', 'Audio', 'AudioContext', 'alert', 'confirm', 'prompt', 'open'])
    spyOn(window, name, 'silence')
  spyOn(window.Notification, 'requestPermission', 'silence')
  spyOn(HTMLMediaElement.prototype, 'play', 'silence')
  spyOn(Navigator.prototype, 'vibrate', 'silence')
  spyOn(window.SpeechSynthesis?.prototype, 'speak', 'silence')
  spyOn(Storage.prototype, 'setItem', 'storage')
  spyOn(IDBFactory.prototype, 'open', 'storage')
  spyOn(window.CacheStorage?.prototype, 'open', 'storage')
  spyOn(window.ServiceWorkerContainer?.prototype, 'register', 'storage')

  const title = Object.getOwnPropertyDescriptor(Document.prototype, 'title')
  Object.defineProperty(Document.prototype, 'title', {
    ...title,
    set (given) { tell('silence', `document.title = ${given}`); title.set.call(this, given) }
  })
})()
