new Audio('data:audio/wav;base64,UklGRg==').play().catch(() => {})
