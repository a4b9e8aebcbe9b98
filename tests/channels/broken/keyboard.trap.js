addEventListener('keydown', (event) => { if (event.key === 'Tab' && document.activeElement.closest('main, footer')) event.preventDefault() })
