"""The trainers' workbench: review, labels, data, models. No page of it opens a conversation."""
