document.title = '1 new message'
