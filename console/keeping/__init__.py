"""What must stay, what goes and when: holds, acknowledged exports, erasing."""
