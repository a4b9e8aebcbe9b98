"""The victim's web: the chat, the pages about their own case, support, invites and proofs. docs/web.md says how."""
