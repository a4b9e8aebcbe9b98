// What the checks of page_checks.py ask of an open page. One expression; findings come back as [check, what] pairs.
(() => {
  const CONTROLS = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex], [contenteditable]'
  // Words of other people, names, numbers and other languages: not the page's own.
  const NOT_OUR_WORDS =
    '[dir=auto], [translate=no], bdi, [lang]:not(html), [aria-hidden=true], script, style, noscript, textarea, option'
  const SPOKEN_ATTRIBUTES = ['aria-label', 'alt', 'title', 'placeholder', 'aria-description', 'aria-roledescription']

  const all = (selector) => [...document.querySelectorAll(selector)]
  const isShown = (node) => node.checkVisibility({ visibilityProperty: true })
  const label = (node) => node.outerHTML.replace(/\s+/g, ' ').slice(0, 120)
  const isForEyes = (node) => {
    const { width, height } = node.getBoundingClientRect()
    return isShown(node) && width > 1 && height > 1
  }

  // --- the document ---------------------------------------------------------------------------

  function readDocument () {
    const found = []
    const add = (check, what) => found.push([check, what])
    if (document.compatMode !== 'CSS1Compat') add('html', 'no doctype')
    if (!document.documentElement.lang) add('html', 'no language on html')
    const ids = all('[id]').map((node) => node.id)
    for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) add('html', `id used twice: ${id}`)
    for (const [tag, wanted] of [['h1', 1], ['main', 1], ['title', 1]]) {
      const count = all(tag === 'title' ? 'head > title' : tag).filter((node) => tag === 'title' || isShown(node)).length
      if (count !== wanted) add('html', `${count} of ${tag}`)
    }
    for (const name of ['aria-labelledby', 'aria-describedby', 'for', 'form', 'aria-controls'])
      for (const node of all(`[${name}]`))
        for (const id of node.getAttribute(name).split(/\s+/))
          if (id && !document.getElementById(id)) add('html', `${name} names nothing: ${id}`)
    for (const field of all('input:not([type=hidden]), select, textarea'))
      if (!field.labels?.length && !field.ariaLabel && !field.getAttribute('aria-labelledby'))
        add('labels', label(field))
    for (const form of all('form')) {
      if (form.querySelector('input:not([type=hidden]), textarea, select') && form.getAttribute('autocomplete') !== 'off') add('forms', `may be filled in by itself: ${label(form)}`)
      const to = new URL(form.getAttribute('action') || location.href, location.href)
      if (to.origin !== location.origin || to.search) add('forms', `goes to ${to}`)
      if (form.method !== 'post') add('forms', `would write its answers into the address: ${label(form)}`)
    }
    for (const field of all('textarea, input[type=text]'))
      if (field.getAttribute('dir') !== 'auto' && !field.inputMode) add('forms', `not dir=auto: ${label(field)}`)
    const [icon, ...more] = all('link[rel~=icon]')
    if (!icon || icon.getAttribute('href') !== 'data:,' || more.length) add('traces', 'an icon')
    for (const trace of all('link[rel=manifest], meta[property^="og:"], meta[name^="twitter:"], meta[name=description], base'))
      add('traces', label(trace))
    if (!/noindex/.test(document.querySelector('meta[name=robots]')?.content)) add('traces', 'may be indexed')
    if (location.search) add('traces', `address with a query: ${location}`)
    for (const node of all('a[href]')) if (node.search && node.origin === location.origin) add('traces', `a link with a query: ${label(node)}`)
    for (const node of all('iframe, object, embed, audio, video, [autoplay]')) add('silence', label(node))
    for (const node of all('[aria-live]:not([aria-live=off]), [role=log], [role=status], [role=alert]'))
      // A list of problems is read once, when the page opens.
      if (node.matches('ol, ul, table') || node.querySelector(node.role === 'alert' ? '[dir=auto]' : 'ol, ul, table, [dir=auto]'))
        add('live', label(node))
    if (document.getAnimations().length) add('motion', 'something moves though asked not to')
    for (const node of all('body *'))
      if (['fixed', 'sticky'].includes(getComputedStyle(node).position) && isForEyes(node) &&
          !node.closest('header, nav') && !node.querySelector('header'))
        add('pinned', label(node))
    for (const chart of all('svg:not([aria-hidden=true])')) {
      const says = (tag) => chart.querySelector(`:scope > ${tag}`)?.textContent.trim()
      if (chart.getAttribute('role') !== 'img' || !says('title') || !says('desc')) add('charts', label(chart))
      const outside = document.body.cloneNode(true)
      for (const other of outside.querySelectorAll('svg')) other.remove()
      for (const word of chart.querySelectorAll('text'))
        if (!flat(outside.textContent).includes(flat(word.textContent))) add('charts', `in the picture alone: ${word.textContent.trim()}`)
    }
    return found
  }

  const flat = (text) => text.replace(/\s+/g, ' ').trim()

  async function readStorage () {
    const found = []
    const add = (what) => found.push(['storage', what])
    if (localStorage.length) add('localStorage')
    if (sessionStorage.length) add('sessionStorage')
    if ((await caches.keys()).length) add('caches')
    if ((await indexedDB.databases()).length) add('indexedDB')
    if ((await navigator.serviceWorker.getRegistrations()).length) add('service worker')
    if (document.cookie) add(`a cookie scripts can read: ${document.cookie}`)
    return found
  }

  // The page's own words as they are read: one string a paragraph, then what is said aloud only.
  function readWords () {
    const blocks = new Map()
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const holder = node.parentElement
      if (!node.data.trim() || holder.closest(NOT_OUR_WORDS) || !isShown(holder)) continue
      let block = holder
      while (getComputedStyle(block).display.startsWith('inline') && block !== document.body) block = block.parentElement
      blocks.set(block, (blocks.get(block) || '') + node.data)
    }
    const spoken = all('body *').filter((node) => !node.closest(NOT_OUR_WORDS)).flatMap((node) => [
      ...SPOKEN_ATTRIBUTES.filter((name) => node.hasAttribute(name)).map((name) => node.getAttribute(name)),
      ...Object.values(node.dataset).filter((value) => /[a-z] [a-z]/.test(value)),
      ...(node.matches('input[type=submit], input[type=button]') ? [node.value] : [])
    ])
    return { read: [...blocks.values()].map(flat), spoken: spoken.map(flat).filter(Boolean) }
  }

  // --- size and place ---------------------------------------------------------------------------

  function findOverflow () {
    const found = []
    const wider = document.documentElement.scrollWidth - innerWidth
    if (wider > 0) {
      const widest = all('body *').filter((node) => node.getBoundingClientRect().right > innerWidth + 1 || node.getBoundingClientRect().left < -1).filter(isForEyes).at(-1)
      found.push(['reflow', `${wider} px too wide: ${widest ? label(widest) : ''}`])
    }
    for (const node of all('body *')) {
      if (node.matches('textarea, input') || !isForEyes(node)) continue
      const style = getComputedStyle(node)
      if (style.overflowX === 'visible' && style.overflowY === 'visible') continue
      if (node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1)
        found.push(['reflow', `holds more than it shows: ${label(node)}`])
    }
    return found
  }

  function findSmallTargets () {
    const controls = all(CONTROLS).filter((node) => isForEyes(node) && !node.disabled)
    const box = (node) => node.getBoundingClientRect()
    const centre = (node) => { const { left, top, width, height } = box(node); return [left + width / 2, top + height / 2] }
    const near = (node, other) => {
      const [x, y] = centre(node)
      const { left, right, top, bottom } = box(other)
      return Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom)) < 12
    }
    const inSentence = (node) => node.matches('a') && getComputedStyle(node).display === 'inline' &&
      flat(node.parentElement.textContent).length > flat(node.textContent).length
    const found = []
    for (const node of controls) {
      const { width, height } = box(node)
      const size = `${Math.round(width)} x ${Math.round(height)}: ${label(node)}`
      if (node.matches('button, [role=button], .govuk-button, input[type=submit]') && (height < 44 || width < 44)) found.push(['targets', size])
      else if ((width < 24 || height < 24) && !inSentence(node) &&
        controls.some((other) => other !== node && !node.contains(other) && near(node, other))) found.push(['targets', size])
    }
    return found
  }

  // Where every block and the words in it are, as distances from the two edges. Within a line, words and numbers
  // change places by rules of their own, so a line counts as one.
  function readPlaces () {
    const width = document.documentElement.clientWidth
    const places = []
    const add = (node, { left, right }) => places.push([node, left, width - right])
    for (const node of all('body *')) {
      if (node.closest('svg') || node.closest('[dir]:not(html)') || !isForEyes(node)) continue
      if (getComputedStyle(node).display.startsWith('inline')) continue
      add(node, node.getBoundingClientRect())
      const range = document.createRange()
      range.selectNodeContents(node)
      const words = range.getBoundingClientRect()
      if (words.width) add(node, words)
    }
    return places
  }

  function findNotMirrored () {
    const html = document.documentElement
    const before = readPlaces()
    html.dir = html.dir === 'rtl' ? 'ltr' : 'rtl'
    const after = readPlaces()
    html.dir = html.dir === 'rtl' ? 'ltr' : 'rtl'
    if (before.length !== after.length) return [['mirrored', 'other boxes show']]
    const wrong = before.filter(([, start], at) => Math.abs(start - after[at][2]) > 2)
    return wrong.slice(0, 3).map(([node]) => ['mirrored', label(node)])
  }

  // --- keyboard -----------------------------------------------------------------------------------

  let stops = []

  function isStop (node) {
    if (node.disabled || node.tabIndex < 0 || !isShown(node) || node.closest('[inert]')) return false
    if (node.type !== 'radio') return true
    const group = all('input[type=radio]').filter((other) => other.name === node.name && other.form === node.form)
    return node === (group.find((other) => other.checked) || group[0])
  }

  // The page as a keyboard should find it: each control once, in the order it is read.
  function listStops () {
    stops = all(CONTROLS).filter(isStop)
    return { names: stops.map(label), jumps: stops.filter((node) => node.tabIndex > 0).map(label) }
  }

  // Where the keyboard is now, which part of that cannot be seen, and a key to what it looks like.
  function readStop () {
    const node = document.activeElement
    const at = stops.indexOf(node)
    if (node === document.body || node === document.documentElement) return null
    const box = node.getClientRects()[0] || node.getBoundingClientRect()
    const { left, right, top, bottom, height } = box
    const x = (left + right) / 2
    const y = (top + bottom) / 2
    const points = [[x, y], [x, top + 2], [x, bottom - 2], [left + 2, y], [right - 2, y]]
    const sees = ([px, py]) => {
      const hit = document.elementFromPoint(px, py)
      return hit && (node.contains(hit) || hit.contains(node) || hit.closest('label')?.control === node)
    }
    // Of a box for many lines the middle and one edge are enough: its line of writing scrolls into sight by itself.
    const isTall = height > innerHeight * 0.4
    const hidden = isTall ? !(sees(points[0]) && (sees(points[1]) || sees(points[2]))) : !points.every(sees)
    const looks = (part) => `${part.tagName} ${part.type || ''} ${part.className}`
    return {
      at, hidden, name: label(node), key: `${looks(node)} in ${looks(node.parentElement)}`
    }
  }

  // The focused control moved to the middle of the window, and the part of the window that shows it.
  function showWhole (around) {
    const node = document.activeElement
    node.scrollIntoView({ block: 'center', behavior: 'instant' })
    const { left, right, top, bottom } = node.getClientRects()[0] || node.getBoundingClientRect()
    const [x, y] = [Math.max(0, left - around), Math.max(0, top - around)]
    return {
      x, y,
      width: Math.max(1, Math.min(right + around, innerWidth) - x),
      height: Math.max(1, Math.min(bottom + around, innerHeight) - y)
    }
  }

  function letGo () {
    window.heldFocus = document.activeElement
    window.heldFocus.blur()
  }

  function takeAgain () {
    window.heldFocus.focus({ focusVisible: true, preventScroll: true })
    delete window.heldFocus
  }

  // --- words further apart (WCAG 1.4.12) -----------------------------------------------------------

  const spaced = new CSSStyleSheet()
  spaced.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
    p { margin-block-end: 2em !important }`)

  function setSpacing (isOn) {
    document.adoptedStyleSheets = isOn
      ? [...document.adoptedStyleSheets, spaced]
      : document.adoptedStyleSheets.filter((sheet) => sheet !== spaced)
  }

  function addStyle (rules) {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(rules)
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
  }

  return {
    readDocument, readStorage, readWords, findOverflow, findSmallTargets, findNotMirrored,
    listStops, readStop, showWhole, letGo, takeAgain, setSpacing, addStyle
  }
})()
