localStorage.setItem('draft', 'words')
