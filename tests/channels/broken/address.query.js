if (!location.search) location.replace('/about?case=1')
